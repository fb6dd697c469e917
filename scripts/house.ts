// Figures of the sources; with `--check` a circle of imports is an error. `--root <folder>` measures another checkout.
import { parseArgs } from 'node:util';
import { findCircles, readImports, type Imports } from './house/imports.ts';
import { largeFolders, measureFile, MOST_FILES, quantile, singleImporterFiles } from './house/measure.ts';
import { isProduction, readSources, type Source } from './house/sources.ts';
import { root } from './lib/paths.ts';

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function figuresOf(sources: readonly Source[], imports: Imports): Record<string, number | string> {
  const files = sources.map(measureFile);
  const lines = sum(files.map((file) => file.lines));
  const functions = files.flatMap((file) => file.functions);
  return {
    files: files.length,
    lines,
    'lines of a file, median': quantile(
      files.map((file) => file.lines),
      0.5,
    ),
    functions: functions.length,
    'lines of a function, median': quantile(functions, 0.5),
    'lines of a function, 90 %': quantile(functions, 0.9),
    'share of comments': percent(sum(files.map((file) => file.commentLines)) / lines),
    'files with one importer': singleImporterFiles(sources, imports).length,
  };
}

function print(title: string, lines: readonly string[]): void {
  console.log(`\n${title}: ${lines.length}`);
  for (const line of lines) console.log(`  ${line}`);
}

const { values } = parseArgs({ options: { root: { type: 'string', default: root }, check: { type: 'boolean' } } });
const sources = readSources(values.root);
const imports = readImports(values.root, sources);
const production = sources.filter(isProduction);
const areaOf = ({ path }: Source) => path.slice(0, path.indexOf('/'));
const areas = { ...Object.groupBy(production, areaOf), all: production };
const figures = Object.entries(areas).map(([area, files]) => [area, figuresOf(files ?? [], imports)] as const);

const names = Object.keys(figuresOf([], imports));
console.table(
  Object.fromEntries(
    names.map((name) => [name, Object.fromEntries(figures.map(([area, values]) => [area, values[name]]))]),
  ),
);
const folders = largeFolders(sources.map(({ path }) => path)).map(([folder, files]) => `${folder} ${files}`);
print(`Folders with more than ${MOST_FILES} files, tests included`, folders);
const circles = findCircles(imports);
print(
  'Circles of imports',
  circles.map((circle) => [...circle, circle[0]].join(' → ')),
);
if (values.check && circles.length > 0) process.exitCode = 1;
