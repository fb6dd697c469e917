// Builds the named apps (all by default) to dist/<app>/main.js, with their commands and threads beside it: one ES module each, workspace libraries inlined, packages external.
// esbuild bundles; SWC handles files with decorators, because esbuild emits no decorator metadata.
import { readFile, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import { build } from 'esbuild';

const root = process.cwd();

const decorators = {
  name: 'decorators',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!/^\s*@[A-Z]\w*\(/m.test(source)) return undefined;
      const { code } = await transform(source, {
        filename: path,
        sourceMaps: 'inline',
        swcrc: false,
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          target: 'es2022',
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      });
      return { contents: code, loader: 'js' };
    });
  },
};

/** Entry points by name: every app, and the commands that need their code. */
export async function entryPoints() {
  const apps = await readdir(join(root, 'apps'));
  return {
    ...Object.fromEntries(apps.map((app) => [app, `apps/${app}/src/main.ts`])),
    migrate: 'libs/entities/src/migrate.ts',
    openapi: 'apps/gateway/src/openapi/openapi-command.ts',
  };
}

/** What an app brings along, in its image too: commands and threads, apps/<app>/src/<name>.ts. */
const companions = { auth: ['admin'], orchestrator: ['model/tokenizer.worker'] };

const outputsOf = (name, source) => [
  { in: source, out: `${name}/main` },
  ...(companions[name] ?? []).map((companion) => ({
    in: join(dirname(source), `${companion}.ts`),
    out: `${name}/${basename(companion)}`,
  })),
];

/** @param {string[]} names Names from `entryPoints`. */
export async function buildAll(names) {
  const entries = await entryPoints();
  const unknown = names.filter((name) => !entries[name]);
  if (unknown.length > 0)
    throw new Error(`Nothing to build is named ${unknown.join(', ')}; there are ${Object.keys(entries).join(', ')}.`);
  await bundle(names.flatMap((name) => outputsOf(name, entries[name])));
}

/** @param {{ in: string, out: string }[]} entryPoints Source, and its place under dist without an extension. */
export async function bundle(entryPoints) {
  await build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    packages: 'external',
    sourcemap: true,
    keepNames: true,
    tsconfig: 'tsconfig.base.json',
    plugins: [decorators],
    logLevel: 'warning',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  await buildAll(names.length > 0 ? names : Object.keys(await entryPoints()));
}
