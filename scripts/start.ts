import { run } from './lib/run.ts';
import { ensureBuilt } from './start/build.ts';
import { showProduct, startProduct } from './start/product.ts';
import { supervise, supervisedServices } from './start/supervise.ts';

await run(async (scope) => {
  const product = await startProduct(scope, { ports: 'default', build: ensureBuilt });
  const supervisor = supervise({ servers: product.servers, services: supervisedServices(product.fleet) });
  await scope.defer(async () => supervisor.stop());
  await showProduct(product);
  scope.interruptedCode = 0;
  return supervisor.gaveUp;
});
