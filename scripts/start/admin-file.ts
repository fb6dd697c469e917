import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publicOf, type Surroundings } from '../fleet/environment.ts';
import { dataFolder } from '../lib/paths.ts';
import { UserError } from '../lib/user-error.ts';

const usualPlace = join(dataFolder, 'admin.json');

/** The part of the auth service's environment that the operator's command needs. */
export type AdminEnvironment = Record<
  'DATABASE_URL' | 'REDIS_URL' | 'CONTEXT_PRIVATE_JWK' | 'CONTEXT_JWKS' | 'RPC_KEYS',
  string
>;

export const adminEnvironment = ({ databaseUrls, redisUrl, keys }: Surroundings): AdminEnvironment => ({
  DATABASE_URL: databaseUrls.auth,
  REDIS_URL: redisUrl,
  CONTEXT_PRIVATE_JWK: JSON.stringify(keys.context.find(({ kid }) => kid === 'auth')),
  CONTEXT_JWKS: JSON.stringify({ keys: keys.context.map(publicOf) }),
  RPC_KEYS: keys.rpc,
});

/** Leaves the running fleet's environment for `npm run admin`, readable by us alone. Returns how to take it away again. */
export async function writeAdminFile(env: AdminEnvironment, file = usualPlace): Promise<() => Promise<void>> {
  const remove = () => rm(file, { force: true });
  await remove(); // its mode is set when it is made
  await writeFile(file, JSON.stringify(env), { mode: 0o600 });
  return remove;
}

/** @throws UserError when no fleet runs from this checkout. */
export async function readAdminFile(file = usualPlace): Promise<AdminEnvironment> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UserError(
      'No fleet runs from this folder: start it by `npm start`, or name its database in DATABASE_URL.',
    );
  });
  return JSON.parse(text) as AdminEnvironment; // as `writeAdminFile` wrote it
}
