import { buildAll } from './build.ts';
import { run, type Scope } from './lib/run.ts';
import { temporaryFolder } from './servers/temporary.ts';
import { runTests, withTests } from './test/jest.ts';
import { needsFleet, needsServers, readSelection } from './test/selection.ts';
import { startServers } from './test/servers.ts';
import { sumTotals, type Totals } from './test/totals.ts';

/** Adds the totals of each run to `runs` as they come. */
async function runSelected(runs: Totals[], scope: Scope): Promise<void> {
  const selection = await withTests(readSelection(process.argv.slice(2)));
  const folder = await temporaryFolder(scope);
  if (selection.projects.some(needsServers)) await startServers(scope, folder);
  if (selection.projects.some(needsFleet)) await buildAll();
  for await (const totals of runTests(selection, { folder, scope })) runs.push(totals);
}

const unfinished: Totals = { passed: 0, failed: 1 };

await run(async (scope) => {
  const runs: Totals[] = [];
  let total = () => sumTotals([...runs, unfinished]);
  // Deferred first, so printed last, however the run ends.
  await scope.defer(async () => console.log(`${total().passed} passed, ${total().failed} failed`));
  await runSelected(runs, scope);
  if (runs.every(({ passed, failed }) => passed + failed === 0)) console.log('No test ran, which is no success.');
  total = () => sumTotals(runs);
  return total().failed === 0 ? 0 : 1;
});
