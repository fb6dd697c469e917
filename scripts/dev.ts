// The fleet of `npm start`, with a port for a debugger at each service, which follows the sources.
import { run } from './lib/run.ts';
import { showProduct, startProduct } from './start/product.ts';
import { watchFolders } from './watch/changes.ts';
import { makeRebuilder } from './watch/rebuilder.ts';
import { renewChanged } from './watch/renewal.ts';

await run(async (scope) => {
  const rebuild = await makeRebuilder(scope);
  const product = await startProduct(scope, { ports: 'inspected', build: rebuild });
  const { fleet } = product;
  await showProduct(product);
  for (const { service, ports } of Object.values(fleet.processes).flat())
    console.log(`Debugger of ${service}: 127.0.0.1:${ports.inspect}`);
  const stopWatching = watchFolders(['apps', 'libs'], () => renewChanged(fleet, rebuild));
  await scope.defer(async () => stopWatching());
  console.log('Watching apps and libs for changes.');
  scope.interruptedCode = 0;
  return new Promise<never>(() => undefined);
});
