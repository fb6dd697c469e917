// Writes docs/openapi.json and docs/asyncapi.json from the contracts; with --check it only fails when a file is out of date.
import 'reflect-metadata';
import { readFile, writeFile } from 'node:fs/promises';
import { asyncApiDocument } from './asyncapi';
import { openApiDocument } from './openapi';

const documents = { 'docs/openapi.json': openApiDocument(), 'docs/asyncapi.json': asyncApiDocument() };
const isCheck = process.argv.includes('--check');

for (const [path, document] of Object.entries(documents)) {
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (!isCheck) {
    await writeFile(path, text);
    process.stdout.write(`${path} is written.\n`);
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    process.stderr.write(`${path} is not what the contracts say: run \`npm run openapi\` and commit it.\n`);
    process.exitCode = 1;
  }
}
