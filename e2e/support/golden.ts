import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** As a table in Markdown; the first row is its head. */
export function tableOf(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n');
}

/** Compares with the file, or, by UPDATE_GOLDEN=1, writes it first. */
export function expectGolden(file: string, found: string): void {
  if (process.env['UPDATE_GOLDEN']) writeFileSync(file, found);
  expect(found).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
}
