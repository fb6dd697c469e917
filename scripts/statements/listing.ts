// Bundled ahead of every module that declares statements: see declared.ts.
import { listStatements } from '../../libs/entities/src/database/statement.ts';
import type { Declared } from './declared.ts';

export const declared: Declared[] = [];

/** The rows of a table and filtered lists declare for the module that names them. */
const HELPERS = /database\/(statement|rows|filtered)\.ts/;

listStatements((text) => {
  const lines = (new Error().stack ?? '').split('\n');
  const owner = lines
    .map((line) => /((?:apps|libs)\/[^:)]+\.ts)/.exec(line)?.[1])
    .find((file) => file && !HELPERS.test(file));
  if (!owner) throw new Error(`Nobody declares ${text}`);
  declared.push({ owner, text });
});
