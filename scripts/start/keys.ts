import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { byDatabaseService, services, type DatabaseService } from '../../libs/contracts/src/contract.ts';
import { UserError } from '../lib/user-error.ts';

/** A private Ed25519 key. */
export interface Jwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  d: string;
  kid: string;
}

/** Everything secret that a fleet is started with. */
export interface Keys {
  /** What services sign caller contexts with: a key each, `kid` being the service's name. */
  context: readonly Jwk[];
  /** Signs access tokens. */
  signing: Jwk;
  /** A Fernet key: 32 bytes, base64url with padding. */
  encryption: string;
  /** A Fernet key that services encrypt secrets with on their way to each other. */
  rpc: string;
  /** Of the database roles: each service has one. */
  passwords: Record<'superuser' | 'migrator' | DatabaseService, string>;
}

export function makeJwk(kid: string): Jwk {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  if (x === undefined || d === undefined) throw new Error('Node exported an Ed25519 key without x or d.');
  return { kty: 'OKP', crv: 'Ed25519', x, d, kid };
}

const makeFernetKey = () => `${randomBytes(32).toString('base64url')}=`;
const makePassword = () => randomBytes(18).toString('hex');

export const makeKeys = (): Keys => ({
  context: services.map(makeJwk),
  signing: makeJwk(randomUUID()),
  encryption: makeFernetKey(),
  rpc: makeFernetKey(),
  passwords: { superuser: makePassword(), migrator: makePassword(), ...byDatabaseService(makePassword) },
});

const has = (value: unknown, ...names: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && names.every((name) => name in value);

const isJwk = (value: unknown) => has(value, 'kty', 'crv', 'x', 'd', 'kid');

/** What an earlier release wrote: what came later may be missing. */
type StoredKeys = Omit<Keys, 'rpc' | 'passwords'> & {
  rpc?: string;
  passwords: Pick<Keys['passwords'], 'superuser' | 'migrator'> & Partial<Keys['passwords']>;
};

function isStoredKeys(value: unknown): value is StoredKeys {
  if (typeof value !== 'object' || value === null) return false;
  if (!('context' in value && 'signing' in value && 'encryption' in value && 'passwords' in value)) return false;
  const { context, signing, encryption, passwords } = value;
  const isWhole = Array.isArray(context) && context.length === services.length && context.every(isJwk);
  return isWhole && isJwk(signing) && typeof encryption === 'string' && has(passwords, 'superuser', 'migrator');
}

function parseKeys(text: string, file: string): StoredKeys {
  try {
    const keys: unknown = JSON.parse(text);
    if (isStoredKeys(keys)) return keys;
  } catch {
    // No JSON is as bad as the wrong JSON.
  }
  throw new UserError(
    `${file} is damaged: restore it, or move its folder away to start afresh with an empty database.`,
  );
}

function complete(stored: StoredKeys): Keys {
  const { rpc, passwords } = makeKeys();
  return { ...stored, rpc: stored.rpc ?? rpc, passwords: { ...passwords, ...stored.passwords } };
}

/** The keys in `file`, made and written (mode 0600) when there is no such file; what an earlier release did not know is added. */
export async function loadKeys(file: string): Promise<Keys> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  const keys = text === undefined ? makeKeys() : complete(parseKeys(text, file));
  const wanted = JSON.stringify(keys);
  if (wanted === text) return keys;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.unfinished`, wanted, { mode: 0o600 });
  await rename(`${file}.unfinished`, file);
  return keys;
}
