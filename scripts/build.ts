// Bundles what the projects declare to dist/<name>/: the programs of the named folders, or all.
import { bundle } from './build/bundle.ts';
import { outputFolder, programsOf, readProjects } from './build/projects.ts';

/** @param names Folders under dist: a service, `migrate`, `openapi`. */
export async function buildAll(names?: readonly string[]): Promise<void> {
  const programs = readProjects().flatMap(programsOf);
  const known = new Set(programs.map(outputFolder));
  const unknown = (names ?? []).filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new Error(`Nothing to build is named ${unknown.join(', ')}; there are ${[...known].join(', ')}.`);
  await bundle(programs.filter((program) => names?.includes(outputFolder(program)) ?? true));
}

if (import.meta.main) {
  const names = process.argv.slice(2);
  await buildAll(names.length > 0 ? names : undefined);
}
