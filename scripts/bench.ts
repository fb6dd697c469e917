// Bundles bench/<name>.ts, as the apps are, and runs it. A benchmark starts the servers that it needs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './build/bundle.ts';
import { root } from './lib/paths.ts';
import { describeError, UserError } from './lib/user-error.ts';

try {
  const name = process.argv[2] ?? '';
  const source = `bench/${name}.ts`;
  if (!existsSync(join(root, source))) throw new UserError(`There is no benchmark ${source}.`);
  await bundle([{ in: source, out: `bench/${name}` }]);
  await import(pathToFileURL(join(root, 'dist/bench', `${name}.js`)).href);
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}
