// Writes docs/openapi.json from the contracts; with --check it only fails when the file is out of date.
import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { openApiDocument } from './openapi';

const path = 'docs/openapi.json';
const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;

if (!process.argv.includes('--check')) {
  await writeFile(path, text);
  process.stdout.write(`${path} is written.\n`);
} else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
  process.stderr.write(`${path} is not what the contracts say: run \`npm run openapi\` and commit it.\n`);
  process.exit(1);
}
