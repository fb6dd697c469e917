import { randomUUID } from 'node:crypto';
import { UserError } from '../lib/user-error.ts';
import { makeJwk, type Jwk } from './keys.ts';

/** A key that signs access tokens. Times are seconds since 1970. */
export interface SigningKey extends Jwk {
  /** From when on it signs; always, if absent. */
  nbf?: number;
  /** From when on nothing that it signed is valid; never, if absent. */
  exp?: number;
}

/** Until then a new key is published but does not sign, so that every gateway knows it before it meets a token of it. */
const LEAD_SECONDS = 10 * 60;
/** The life of an access token, and five minutes for clocks that differ. */
const OVERLAP_SECONDS = 24 * 3600 + 5 * 60;

/** The keys with a fresh one in front; those before it expire when the last token that they signed has. Newest first. */
export function rotateSigningKeys(present: readonly SigningKey[], now: number): SigningKey[] {
  const nbf = now + LEAD_SECONDS;
  const living = present.filter(({ exp }) => exp === undefined || exp > now);
  return [{ ...makeJwk(randomUUID()), nbf }, ...living.map((key) => ({ exp: nbf + OVERLAP_SECONDS, ...key }))];
}

const isTime = (value: unknown) => value === undefined || Number.isInteger(value);

function isSigningKey(value: unknown): value is SigningKey {
  if (typeof value !== 'object' || value === null) return false;
  const isText = (name: string) => typeof Reflect.get(value, name) === 'string';
  const isKey = Reflect.get(value, 'crv') === 'Ed25519' && ['kty', 'x', 'd', 'kid'].every(isText);
  return isKey && isTime(Reflect.get(value, 'nbf')) && isTime(Reflect.get(value, 'exp'));
}

function keysIn(text: string): unknown {
  try {
    const set: unknown = JSON.parse(text);
    return typeof set === 'object' && set !== null ? Reflect.get(set, 'keys') : undefined;
  } catch {
    return undefined; // no JSON is as bad as the wrong JSON
  }
}

/** Reads what AUTH_PRIVATE_JWKS holds. */
export function parseSigningKeys(text = ''): SigningKey[] {
  const keys = keysIn(text);
  if (Array.isArray(keys) && keys.length > 0 && keys.every(isSigningKey)) return keys;
  throw new UserError('AUTH_PRIVATE_JWKS must hold the present signing keys, newest first: {"keys":[…]}.');
}
