import { buildAll } from './build.ts';
import { run, type Scope } from './lib/run.ts';
import { temporaryFolder, temporaryPostgres, temporaryRedis } from './servers/temporary.ts';
import { runJest } from './test/jest.ts';
import { readSelection, type Selection } from './test/selection.ts';
import { sumTotals, type Totals } from './test/totals.ts';

/** The servers that the tests use: those named from outside, else private ones. */
async function startServers(scope: Scope, folder: string): Promise<NodeJS.ProcessEnv> {
  const given = process.env;
  if (!given.TEST_DATABASE_URL || !given.TEST_REDIS_URL) console.log('Starting a private PostgreSQL and Redis …');
  const [TEST_DATABASE_URL, TEST_REDIS_URL] = await Promise.all([
    given.TEST_DATABASE_URL || temporaryPostgres(scope, folder),
    given.TEST_REDIS_URL || temporaryRedis(scope, folder),
  ]);
  return { TEST_DATABASE_URL, TEST_REDIS_URL };
}

/** Adds the totals of each run to `runs` as they come. */
async function runProjects({ projects, rest: args }: Selection, runs: Totals[], scope: Scope): Promise<void> {
  const folder = await temporaryFolder(scope);
  const env = await startServers(scope, folder);
  const quick = projects.filter((project) => project === 'unit' || project === 'db');
  if (quick.length > 0) runs.push(await runJest({ projects: quick, inBand: false, args, folder, env }, scope));
  const slow = projects.filter((project) => project === 'e2e' || project === 'chaos');
  if (slow.length === 0) return;
  console.log('Building the apps …');
  await buildAll();
  runs.push(await runJest({ projects: slow, inBand: true, args, folder, env }, scope));
}

const unfinished: Totals = { passed: 0, failed: 1 };

await run(async (scope) => {
  const runs: Totals[] = [];
  let total = () => sumTotals([...runs, unfinished]);
  // Deferred first, so printed last, however the run ends.
  await scope.defer(async () => console.log(`${total().passed} passed, ${total().failed} failed`));
  await runProjects(readSelection(process.argv.slice(2)), runs, scope);
  if (runs.every(({ passed, failed }) => passed + failed === 0)) console.log('No test ran, which is no success.');
  total = () => sumTotals(runs);
  return total().failed === 0 ? 0 : 1;
});
