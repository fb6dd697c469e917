import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { launch } from '../lib/processes.ts';
import { root } from '../lib/paths.ts';
import type { Scope } from '../lib/run.ts';
import type { Project } from './selection.ts';
import { readTotals, type Totals } from './totals.ts';

const jest = ['--experimental-vm-modules', join(root, 'node_modules/jest/bin/jest.js'), '-c', 'jest.config.cjs'];

// Jest leaves one core to itself, which on two cores would mean one test file at a time.
const parallel = `--maxWorkers=${Math.max(2, availableParallelism() - 1)}`;

export interface JestRun {
  projects: readonly Project[];
  /** One test file at a time. */
  inBand: boolean;
  args: readonly string[];
  /** Folder for Jest's report. */
  folder: string;
  env: NodeJS.ProcessEnv;
}

/** Runs Jest on some projects, its output being ours. */
export async function runJest({ projects, inBand, args, folder, env }: JestRun, scope: Scope): Promise<Totals> {
  const report = join(folder, `${projects.join('-')}.json`);
  const reporting = ['--json', `--outputFile=${report}`, '--passWithNoTests'];
  const child = await launch({
    command: process.execPath,
    args: [...jest, ...reporting, '--selectProjects', ...projects, inBand ? '--runInBand' : parallel, ...args],
    env: { ...process.env, ...env },
    graceMs: 5_000,
  });
  await scope.defer(() => child.stop());
  const { code } = await child.exited;
  child.kill('SIGKILL'); // its workers, should it have died without them
  return readTotals(existsSync(report) ? readFileSync(report, 'utf8') : undefined, code === 0);
}
