import { readTotals, sumTotals } from './totals.ts';

const report = (passed: number, failed: number, broken = 0) =>
  JSON.stringify({ numPassedTests: passed, numFailedTests: failed, numRuntimeErrorTestSuites: broken });

it.each([
  ['all passed', report(5, 0), true, { passed: 5, failed: 0 }],
  ['some failed', report(5, 2), false, { passed: 5, failed: 2 }],
  ['a file did not load', report(5, 0, 1), false, { passed: 5, failed: 1 }],
  ['Jest failed for another reason', report(5, 0), false, { passed: 5, failed: 1 }],
  ['Jest died', undefined, false, { passed: 0, failed: 1 }],
  ['no report in spite of success', undefined, true, { passed: 0, failed: 1 }],
])('counts a run where %s', (_, text, succeeded, expected) => {
  expect(readTotals(text, succeeded)).toEqual(expected);
});

it('sums runs, and calls a sum of nothing a failure', () => {
  expect(
    sumTotals([
      { passed: 3, failed: 0 },
      { passed: 4, failed: 1 },
    ]),
  ).toEqual({ passed: 7, failed: 1 });
  expect(
    sumTotals([
      { passed: 0, failed: 0 },
      { passed: 2, failed: 0 },
    ]),
  ).toEqual({ passed: 2, failed: 0 });
  expect(sumTotals([{ passed: 0, failed: 0 }])).toEqual({ passed: 0, failed: 1 });
  expect(sumTotals([])).toEqual({ passed: 0, failed: 1 });
});
