import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** One figure, taken of the baseline and of ours once per round, in turn. */
export interface Measure {
  name: string;
  unit: string;
  baseline: number[];
  ours: number[];
}

export interface Report {
  /** File name under bench/results. */
  name: string;
  /** What was measured, and against what. */
  title: string;
  measures: Measure[];
  /** What else is written with them. */
  more?: object;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
};

/** The value that `share` percent of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * share) / 100) - 1] ?? NaN;
}

/** Machines are noisy and both sides of a round share the noise: the ratio is the median of the rounds' ratios. */
const ratio = ({ baseline, ours }: Measure) => median(ours.map((value, round) => value / (baseline[round] ?? NaN)));

const digits = (value: number) => (value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));

/** Prints medians and ratios as a Markdown table, and writes them with every round's figures to bench/results/<name>.json. */
export async function report({ name, title, measures, more }: Report): Promise<void> {
  const rows = measures.map((measure) => ({
    ...measure,
    medians: [median(measure.baseline), median(measure.ours)],
    ratio: ratio(measure),
  }));
  console.log(
    `\n${title}, medians of ${measures[0]?.ours.length} rounds\n\n| | baseline | ours | ratio |\n|---|---|---|---|`,
  );
  for (const { name, unit, medians, ratio } of rows) {
    console.log(`| ${[`${name}, ${unit}`, ...medians.map(digits), `${ratio.toFixed(2)}×`].join(' | ')} |`);
  }
  await writeResults(name, { title, measures: rows, ...more });
}

/** Writes figures, and the machine that they were taken on, to bench/results/<name>.json. */
export async function writeResults(name: string, results: object): Promise<void> {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}`;
  await mkdir('bench/results', { recursive: true });
  await writeFile(join('bench/results', `${name}.json`), `${JSON.stringify({ machine, ...results }, null, 2)}\n`);
}
