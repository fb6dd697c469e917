import { cleanEnv, EnvMissingError, makeValidator, type CleanedEnv, type ValidatorSpec } from 'envalid';

/** A public or private Ed25519 key in JWK form; `kid` is required. */
export interface Jwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  d?: string;
  kid: string;
  /** Seconds since 1970: from when on it signs. */
  nbf?: number;
  /** Seconds since 1970: from when on nothing that it signed is valid. */
  exp?: number;
}

const isTime = (value: unknown) => value === undefined || (Number.isInteger(value) && Number(value) > 0);

const isJwk = (value: unknown): value is Jwk =>
  typeof value === 'object' &&
  value !== null &&
  'kid' in value &&
  'x' in value &&
  'crv' in value &&
  value.crv === 'Ed25519' &&
  isTime(Reflect.get(value, 'nbf')) &&
  isTime(Reflect.get(value, 'exp'));

/** Validates one Ed25519 key as a JWK. */
export const jwk = makeValidator<Jwk>((text) => {
  const key: unknown = JSON.parse(text);
  if (!isJwk(key)) throw new Error('is not an Ed25519 JWK with a kid');
  return key;
});

/** Validates a JWKS of at least one Ed25519 key. */
export const jwks = makeValidator<readonly Jwk[]>((text) => {
  const set: unknown = JSON.parse(text);
  const keys = typeof set === 'object' && set !== null && 'keys' in set && Array.isArray(set.keys) ? set.keys : [];
  if (keys.length === 0 || !keys.every(isJwk)) throw new Error('is not a set of Ed25519 JWKs');
  return keys;
});

/** Splits at commas. */
export const list = makeValidator<readonly string[]>(itemsOf);

export function itemsOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Validates a number from `least` to `most`. */
export const between = (least: number, most: number) =>
  makeValidator<number>((text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most))
      throw new Error(`must be a number from ${least} to ${most}`);
    return value;
  });

/** Reads variables. A missing or wrong one ends the process with a sentence that names it. */
export function readVariables<S extends Record<string, ValidatorSpec<unknown>>>(specs: S): CleanedEnv<S> {
  return cleanEnv(process.env, specs, {
    reporter: ({ errors }) => {
      const faults = Object.entries(errors).map(([name, error]) =>
        error instanceof EnvMissingError ? `${name} is missing` : `${name} ${error?.message}`,
      );
      if (faults.length === 0) return;
      process.stderr.write(`The environment is incomplete: ${faults.join('; ')}. See README.md, "Configuration".\n`);
      process.exit(1);
    },
  });
}
