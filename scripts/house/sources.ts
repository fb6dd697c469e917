import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface Source {
  /** From the checkout. */
  path: string;
  ast: ts.SourceFile;
}

const areas = ['apps', 'libs', 'packages', 'scripts', 'e2e', 'bench'];

/** The TypeScript of the checkout at `root`. */
export function readSources(root: string): Source[] {
  const paths = globSync(`{${areas.join(',')}}/**/*.ts`, { cwd: root, exclude: (name) => name === 'node_modules' });
  return paths.sort().map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, ast: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
  });
}

const forTests = /(^|[./])(spec|testing|fixture)\.ts$|\/fixtures\/|^(e2e|bench|scripts\/test)\//;
const data = /\/(migrations|price-list)\/|\.d\.ts$/;

/** Whether a file is neither for tests and benchmarks alone nor data. */
export const isProduction = ({ path }: Source): boolean => !forTests.test(path) && !data.test(path);
