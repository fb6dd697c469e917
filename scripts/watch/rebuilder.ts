import { relative, sep } from 'node:path';
import { context } from 'esbuild';
import { bundling, writeOutput } from '../build/bundle.ts';
import { programsOf, readProjects } from '../build/projects.ts';
import type { Scope } from '../lib/run.ts';
import { root } from '../lib/paths.ts';

/** The folder under dist of a bundle: `task` of dist/task/main.js. */
const programOf = (path: string) => relative(root, path).split(sep)[1] ?? '';

/**
 * Keeps what esbuild knows of the sources. Each call builds into dist, and tells the folders under dist whose code came out differently:
 * a service that does not contain what changed keeps running. It rejects, esbuild having said why, when the sources do not build.
 */
export async function makeRebuilder(scope: Scope): Promise<() => Promise<Set<string>>> {
  const builder = await context(bundling(readProjects().flatMap(programsOf)));
  await scope.defer(() => builder.dispose());
  const hashes = new Map<string, string>();
  return async () => {
    const { outputFiles } = await builder.rebuild();
    const changed = outputFiles.filter(({ path, hash }) => hashes.get(path) !== hash);
    await Promise.all(changed.map(writeOutput));
    for (const { path, hash } of changed) hashes.set(path, hash);
    return new Set(changed.filter(({ path }) => path.endsWith('.js')).map(({ path }) => programOf(path)));
  };
}
