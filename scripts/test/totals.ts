/** What a Jest run came to. `failed` is never 0 for a run that Jest itself calls failed. */
export interface Totals {
  passed: number;
  failed: number;
}

const count = (report: object, name: string): number => {
  const value: unknown = Object.entries(report).find(([key]) => key === name)?.[1];
  if (typeof value !== 'number') throw new Error(`Jest's report has no ${name}.`);
  return value;
};

/**
 * @param report Text that Jest wrote for `--json`; undefined when it wrote none.
 * @param succeeded Whether Jest exited with 0.
 */
export function readTotals(report: string | undefined, succeeded: boolean): Totals {
  const parsed: unknown = report === undefined ? undefined : JSON.parse(report);
  if (typeof parsed !== 'object' || parsed === null) return { passed: 0, failed: 1 };
  // A file that does not compile or load holds tests that nobody counted.
  const failed = count(parsed, 'numFailedTests') + count(parsed, 'numRuntimeErrorTestSuites');
  return { passed: count(parsed, 'numPassedTests'), failed: succeeded ? failed : Math.max(failed, 1) };
}

/** The sum of several runs. No test at all counts as a failure: nothing was shown. */
export function sumTotals(runs: readonly Totals[]): Totals {
  const passed = runs.reduce((sum, run) => sum + run.passed, 0);
  const failed = runs.reduce((sum, run) => sum + run.failed, 0);
  return { passed, failed: passed + failed === 0 ? 1 : failed };
}
