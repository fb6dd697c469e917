import { run } from './lib/run.ts';
import { ensureBuilt } from './start/build.ts';
import { showProduct, startProduct } from './start/product.ts';
import { supervise } from './start/supervise.ts';

await run(async (scope) => {
  const product = await startProduct(scope, { ports: 'default', build: ensureBuilt });
  const supervisor = supervise(product.fleet);
  await scope.defer(async () => supervisor.stop());
  await showProduct(product);
  scope.interruptedCode = 0;
  return supervisor.gaveUp;
});
