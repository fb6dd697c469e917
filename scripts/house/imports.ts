import { join } from 'node:path';
import ts from 'typescript';
import type { Source } from './sources.ts';

/** The files that a file imports, or exports again, those of types alone included. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** Paths of libraries by the names that tsconfig.base.json gives them. */
type Aliases = Record<string, string[]>;

function readAliases(root: string): Aliases {
  const file = join(root, 'tsconfig.base.json');
  const config: unknown = ts.readConfigFile(file, (path) => ts.sys.readFile(path)).config;
  const withoutFiles = { ...ts.sys, readDirectory: () => [] };
  return ts.parseJsonConfigFileContent(config, withoutFiles, root).options.paths ?? {};
}

const candidatesOf = (path: string) => [path, `${path}.ts`, path.replace(/\.js$/, '.ts'), `${path}/index.ts`];

function specifiersOf({ ast }: Source): string[] {
  return ast.statements
    .filter((statement) => ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement))
    .flatMap(({ moduleSpecifier }) =>
      moduleSpecifier && ts.isStringLiteral(moduleSpecifier) ? [moduleSpecifier.text] : [],
    );
}

/** Who imports whom among the sources of the checkout at `root`. */
export function readImports(root: string, sources: readonly Source[]): Imports {
  const aliases = readAliases(root);
  const known = new Set(sources.map(({ path }) => path));
  const resolve = (from: string, specifier: string) => {
    const target = specifier.startsWith('.') ? join(from, '..', specifier) : join(aliases[specifier]?.[0] ?? specifier);
    return candidatesOf(target).find((path) => known.has(path)) ?? [];
  };
  return new Map(
    sources.map((source) => {
      const targets = specifiersOf(source).flatMap((specifier) => resolve(source.path, specifier));
      return [source.path, [...new Set(targets)]];
    }),
  );
}

/** The shortest way from a file back to itself; undefined when there is none. */
function wayBack(imports: Imports, start: string): string[] | undefined {
  const ways = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of imports.get(way.at(-1) ?? '') ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

/** Circles of imports: for each file in one its shortest, where that shares no file with a circle found before. */
export function findCircles(imports: Imports): string[][] {
  const inCircles = new Set<string>();
  return [...imports.keys()].flatMap((start) => {
    const circle = inCircles.has(start) ? undefined : wayBack(imports, start);
    if (!circle || circle.some((path) => inCircles.has(path))) return [];
    for (const path of circle) inCircles.add(path);
    return [circle];
  });
}
