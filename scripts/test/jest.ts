import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { launch } from '../lib/processes.ts';
import { root } from '../lib/paths.ts';
import type { Scope } from '../lib/run.ts';
import { needsFleet, sharesFleet, startsFleets, type Project, type Selection } from './selection.ts';
import { readTotals, type Totals } from './totals.ts';

const program = ['--experimental-vm-modules', join(root, 'node_modules/jest/bin/jest.js'), '-c', 'jest.config.cjs'];

// Jest leaves one core to itself, which on two cores would mean one test file at a time.
const parallel = `--maxWorkers=${Math.max(2, availableParallelism() - 1)}`;

async function hasTests(project: Project, args: readonly string[]): Promise<boolean> {
  // A flag before the arguments, because --selectProjects would take them for projects.
  const listing = [...program, '--selectProjects', project, '--listTests', ...args];
  const { stdout } = await promisify(execFile)(process.execPath, listing);
  return stdout.split('\n').some((line) => line.startsWith(root));
}

/** Leaves the projects out in which nothing is asked for, so that no server is started for them. */
export async function withTests({ projects, rest }: Selection): Promise<Selection> {
  if (rest.length === 0 || projects.every((project) => project === 'unit')) return { projects, rest };
  const asked = await Promise.all(projects.map((project) => hasTests(project, rest)));
  return { projects: projects.filter((_, index) => asked[index]), rest };
}

export interface JestOptions {
  /** Folder for Jest's reports. */
  folder: string;
  scope: Scope;
}

/** Runs Jest with its output being ours. */
async function runJest(
  projects: readonly Project[],
  args: readonly string[],
  { folder, scope }: JestOptions,
): Promise<Totals> {
  const report = join(folder, `${projects.join('-')}.json`);
  await rm(report, { force: true }); // of an earlier run
  const child = await launch({
    command: process.execPath,
    args: [
      ...program,
      '--selectProjects',
      ...projects,
      '--json',
      `--outputFile=${report}`,
      '--passWithNoTests',
      ...args,
    ],
    env: process.env,
    graceMs: 5_000,
  });
  await scope.defer(() => child.stop());
  const { code } = await child.exited;
  child.kill('SIGKILL'); // its workers, should it have died without them
  return readTotals(await readFile(report, 'utf8').catch(() => undefined), code === 0);
}

/**
 * Tests what is selected, and gives totals as they come. Journeys mostly wait: those that share a fleet go on beside those with fleets of their
 * own, each of them one file at a time.
 */
export async function* runTests({ projects, rest }: Selection, options: JestOptions): AsyncGenerator<Totals> {
  const quick = projects.filter((project) => !needsFleet(project));
  if (quick.length > 0) yield await runJest(quick, [parallel, ...rest], options);
  const fleets = [projects.filter(sharesFleet), projects.filter(startsFleets)].filter((some) => some.length > 0);
  yield* await Promise.all(fleets.map((some) => runJest(some, ['--runInBand', ...rest], options)));
}
