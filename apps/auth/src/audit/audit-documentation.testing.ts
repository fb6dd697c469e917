import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const text = readFileSync(join(import.meta.dirname, '../../../../docs/audit-log.md'), 'utf8');

/** The first block of docs/audit-log.md in that language. */
export function documented(language: string): string {
  const [, block] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(text) ?? [];
  if (block === undefined) throw new Error(`docs/audit-log.md has no block of ${language}.`);
  return block;
}

/** What the documentation's program says of entries in the form of the API's answers: the newest one's seq and hash, or its complaint. */
export function recompute(entries: readonly object[]): unknown {
  const args = ['--input-type=module', '--eval', documented('js')];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    input: JSON.stringify(entries),
    encoding: 'utf8',
  });
  return status === 0 ? JSON.parse(stdout) : /Error: (.*)/.exec(stderr)?.[1];
}
