import { execFile } from 'node:child_process';
import { glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../build/bundle.ts';
import { root } from '../lib/paths.ts';

/** A statement of the fleet, and the source file that declares it. */
export interface Declared {
  owner: string;
  text: string;
}

const DECLARES = /\bsql\(|\bfiltered[<(]|\bnew Rows\(/;
const IS_TEST = /\.(spec|testing|fixture)\.ts$/;

/** Every statement that is declared in apps and libs, by loading the modules that declare one. */
export async function declaredStatements(): Promise<Declared[]> {
  const modules = ['scripts/statements/listing.ts', ...(await declaringModules())];
  const lines = modules.map((module) => `import '../../${module}';`);
  const print = `import { declared } from '../../scripts/statements/listing.ts';
process.stdout.write(JSON.stringify(declared), () => process.exit());`;
  await mkdir(join(root, 'dist/statements'), { recursive: true });
  await writeFile(join(root, 'dist/statements/entry.ts'), [...lines, print].join('\n'));
  await bundle([{ in: 'dist/statements/entry.ts', out: 'statements/main' }]);
  const command = ['--enable-source-maps', join(root, 'dist/statements/main.js')];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 1e8 });
  return JSON.parse(stdout) as Declared[];
}

async function declaringModules(): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob(['apps/*/src/**/*.ts', 'libs/entities/src/**/*.ts'], { cwd: root })) {
    if (!IS_TEST.test(file) && DECLARES.test(await readFile(join(root, file), 'utf8'))) found.push(file);
  }
  return found.sort();
}
