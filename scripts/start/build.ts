import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAll } from '../build.ts';
import { programsOf, readProjects } from '../build/projects.ts';
import { root } from '../lib/paths.ts';

const sources = ['apps', 'libs', 'scripts/build.ts', 'scripts/build', 'tsconfig.base.json', 'package-lock.json'];

const changedAt = async (path: string) => (await stat(path)).mtimeMs;

/** When anything at or below a path changed last, in ms. A folder changes when something leaves it. */
async function newestChange(path: string): Promise<number> {
  const names = await readdir(path, { recursive: true }).catch(() => []);
  return Math.max(await changedAt(path), ...(await Promise.all(names.map((name) => changedAt(join(path, name))))));
}

async function isFresh(outputs: readonly string[]): Promise<boolean> {
  const built = await Promise.all(outputs.map((path) => changedAt(path).catch(() => 0)));
  const changed = await Promise.all(sources.map((path) => newestChange(join(root, path))));
  return Math.min(...built) > Math.max(...changed);
}

/** Builds what the projects declare, unless what is in `dist` is newer than every source. */
export async function ensureBuilt(): Promise<void> {
  const programs = readProjects().flatMap(programsOf);
  if (await isFresh(programs.map(({ out }) => join(root, 'dist', `${out}.js`)))) return;
  console.log('Building …');
  await buildAll();
}
