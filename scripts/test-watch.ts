// Keeps servers and fleet, and runs the selected tests again after each change.
import { run, type Scope } from './lib/run.ts';
import { temporaryFolder } from './servers/temporary.ts';
import { runTests, withTests } from './test/jest.ts';
import { needsFleet, needsServers, readSelection } from './test/selection.ts';
import { startServers } from './test/servers.ts';
import { describeFleet, startSharedFleet } from './test/shared-fleet.ts';
import { sumTotals } from './test/totals.ts';
import { watchFolders } from './watch/changes.ts';
import { makeRebuilder } from './watch/rebuilder.ts';
import { renewChanged } from './watch/renewal.ts';

/** Starts the fleet of the journeys. Returns how to start the services again whose code changed. */
async function keepFleet(scope: Scope): Promise<() => Promise<void>> {
  const rebuild = await makeRebuilder(scope);
  await rebuild();
  const shared = await startSharedFleet();
  await scope.defer(() => shared.stop());
  process.env.E2E_FLEET = describeFleet(shared);
  return () => renewChanged(shared.fleet, rebuild);
}

await run(async (scope) => {
  const selection = await withTests(readSelection(process.argv.slice(2)));
  const folder = await temporaryFolder(scope);
  if (selection.projects.some(needsServers)) await startServers(scope, folder);
  const renew = selection.projects.some(needsFleet) ? await keepFleet(scope) : undefined;
  const round = async () => {
    await renew?.();
    const runs = await Array.fromAsync(runTests(selection, { folder, scope }));
    const { passed, failed } = sumTotals(runs);
    console.log(`${passed} passed, ${failed} failed. Waiting for a change …`);
  };
  await round();
  const stopWatching = watchFolders(['apps', 'libs', 'scripts', 'e2e'], round);
  await scope.defer(async () => stopWatching());
  scope.interruptedCode = 0;
  return new Promise<never>(() => undefined);
});
