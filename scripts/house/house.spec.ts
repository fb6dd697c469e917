import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findCircles, readImports } from './imports.ts';
import { largeFolders, measureFile, quantile, singleImporterFiles } from './measure.ts';
import { isProduction, readSources } from './sources.ts';

const root = mkdtempSync(join(tmpdir(), 'house-'));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

write('tsconfig.base.json', '{ "compilerOptions": { "paths": { "@taai/tenant": ["./libs/tenant/src/index.ts"] } } }');
write('libs/tenant/src/index.ts', "export * from './tenant';\n");
write('libs/tenant/src/tenant.ts', 'export const tenant = 1;\n');
write('apps/task/src/first.ts', "import { tenant } from '@taai/tenant';\nimport type { Second } from './second.ts';\n");
write('apps/task/src/second.ts', "export { third } from './third';\n");
write('apps/task/src/third.ts', "import './first.js';\nimport 'node:fs';\n");
write('apps/task/src/task.spec.ts', "import './second';\n");
write(
  'libs/tenant/src/figures.ts',
  `// One line.
/**
 * Three.
 */
export function outer(): string[] {
  const named = (text: string) => text.trim(); // The end of a line.
  return ['// no comment'].map((text) => named(text));
}
class Room {
  declare(): void;
  declare(_?: string): void {}
}
`,
);

const sources = readSources(root);
const imports = readImports(root, sources);
const find = (path: string) => sources.filter((source) => source.path === path);

it('knows who imports whom: by relative paths with and without an extension, by the name of a library, and types', () => {
  expect(Object.fromEntries(imports)).toMatchObject({
    'apps/task/src/first.ts': ['libs/tenant/src/index.ts', 'apps/task/src/second.ts'],
    'apps/task/src/second.ts': ['apps/task/src/third.ts'],
    'apps/task/src/third.ts': ['apps/task/src/first.ts'],
    'libs/tenant/src/index.ts': ['libs/tenant/src/tenant.ts'],
  });
});

it('finds a circle once', () => {
  expect(findCircles(imports)).toEqual([
    ['apps/task/src/first.ts', 'apps/task/src/second.ts', 'apps/task/src/third.ts'],
  ]);
  expect(findCircles(new Map([['a', ['b']], ['b', []]]))).toEqual([]); // prettier-ignore
  expect(findCircles(new Map([['a', ['a']]]))).toEqual([['a']]);
});

it('measures lines, comments and named functions', () => {
  expect(find('libs/tenant/src/figures.ts').map(measureFile)).toEqual([
    { lines: 12, commentLines: 5, functions: [4, 1, 1] },
  ]);
});

it('counts importers among the files asked for alone', () => {
  const production = sources.filter(isProduction);
  expect(production.map(({ path }) => path)).not.toContain('apps/task/src/task.spec.ts');
  expect(singleImporterFiles(production, imports)).toContain('apps/task/src/second.ts');
  expect(singleImporterFiles(sources, imports)).not.toContain('apps/task/src/second.ts');
});

it.each([
  ['apps/task/src/task.db.spec.ts', false],
  ['libs/entities/src/testing.ts', false],
  ['apps/orchestrator/src/doomed.fixture.ts', false],
  ['libs/entities/src/migrations/1-init.ts', false],
  ['e2e/tasks.e2e.ts', false],
  ['libs/entities/src/database/with-tenant.ts', true],
])('calls %s production: %s', (path, expected) => {
  const [source] = find('apps/task/src/first.ts');
  expect(source && isProduction({ ...source, path })).toBe(expected);
});

it('names folders with more than 25 files', () => {
  const files = (folder: string, count: number) => Array.from({ length: count }, (_, n) => `${folder}/${n}.ts`);
  expect(largeFolders([...files('a/large', 26), ...files('a', 25)])).toEqual([['a/large', 26]]);
});

it('gives the number that a share does not exceed', () => {
  expect([quantile([3, 1, 2], 0.5), quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9), quantile([], 0.5)]).toEqual([
    2, 9, 0,
  ]);
});
