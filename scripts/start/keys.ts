import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { services } from '../../libs/contracts/src/contract.ts';
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
  /** Of the database roles. */
  passwords: { superuser: string; migrator: string; runtime: string };
}

function makeJwk(kid: string): Jwk {
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
  passwords: { superuser: makePassword(), migrator: makePassword(), runtime: makePassword() },
});

const has = (value: unknown, ...names: readonly string[]): boolean =>
  typeof value === 'object' && value !== null && names.every((name) => name in value);

const isJwk = (value: unknown) => has(value, 'kty', 'crv', 'x', 'd', 'kid');

function isKeys(value: unknown): value is Keys {
  if (typeof value !== 'object' || value === null) return false;
  if (!('context' in value && 'signing' in value && 'encryption' in value && 'passwords' in value)) return false;
  const { context, signing, encryption, passwords } = value;
  const isWhole = Array.isArray(context) && context.length === services.length && context.every(isJwk);
  return (
    isWhole && isJwk(signing) && typeof encryption === 'string' && has(passwords, 'superuser', 'migrator', 'runtime')
  );
}

function parseKeys(text: string, file: string): Keys {
  try {
    const keys: unknown = JSON.parse(text);
    if (isKeys(keys)) return keys;
  } catch {
    // No JSON is as bad as the wrong JSON.
  }
  throw new UserError(
    `${file} is damaged: restore it, or move its folder away to start afresh with an empty database.`,
  );
}

/** The keys in `file`, made and written (mode 0600) when there is no such file. */
export async function loadKeys(file: string): Promise<Keys> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text !== undefined) return parseKeys(text, file);
  const keys = makeKeys();
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.unfinished`, JSON.stringify(keys), { mode: 0o600 });
  await rename(`${file}.unfinished`, file);
  return keys;
}
