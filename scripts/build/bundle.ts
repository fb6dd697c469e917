// esbuild bundles; SWC handles files with decorators, because esbuild emits no decorator metadata.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { transform } from '@swc/core';
import * as esbuild from 'esbuild';
import { classNames } from './class-names.ts';
import type { Program } from './projects.ts';

const decorators: esbuild.Plugin = {
  name: 'decorators',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
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

/** One ES module for each program, workspace libraries inlined, packages external. */
export const bundling = (programs: readonly Program[]) =>
  ({
    absWorkingDir: process.cwd(),
    entryPoints: [...programs],
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    packages: 'external',
    sourcemap: true,
    keepNames: true,
    tsconfig: 'tsconfig.base.json',
    plugins: [decorators, classNames],
    logLevel: 'warning',
    write: false,
  }) satisfies esbuild.BuildOptions;

export async function bundle(programs: readonly Program[]): Promise<void> {
  const { outputFiles } = await esbuild.build(bundling(programs));
  await Promise.all(outputFiles.map(writeOutput));
}

export async function writeOutput({ path, contents }: esbuild.OutputFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}
