import { ProblemError, services, type ServiceName } from '@taai/contracts';
import type { Caller } from '@taai/tenant';
import { importJWK, jwtVerify, SignJWT, type CryptoKey, type JWTVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Jwk } from '../config/variables';

const AUDIENCE = 'taai-fleet';
const ALGORITHM = 'EdDSA';
const LIFETIME_S = 60;
/** A token is handed out only while the work that starts with it can still end before the token does. */
const REUSE_MS = 45_000;
const CLOCK_TOLERANCE_S = 5;
const CACHE_SIZE = 10_000;

export interface ContextTokensOptions {
  /** The service that mints; the `kid` of its keys. */
  service: ServiceName;
  privateJwk: Jwk;
  /** The public keys of the whole fleet, `kid` = service name. */
  jwks: readonly Jwk[];
}

/** The caller as a token names it. The signature tells the issuer. */
export type CallerClaims = Omit<Caller, 'issuer'>;

interface Minted<T> {
  token: T;
  /** Milliseconds since 1970. */
  reusableUntil: number;
}

interface Verified {
  caller: Caller;
  /** Seconds since 1970. */
  exp: number;
}

/**
 * Signs and verifies tokens that say for whom work is done. The gateway vouches for the caller of a request (`caller`), a service
 * for work that it starts itself (`on_behalf_of`). Ed25519, 60 s, valid in the whole fleet and nowhere else.
 */
export class ContextTokens {
  private readonly keys: Map<string, Promise<CryptoKey | Uint8Array>>;
  private readonly tokens = new LRUCache<string, Minted<Promise<string>>>({ max: CACHE_SIZE });
  private readonly tokenOf = new WeakMap<CallerClaims, Minted<string>>();
  private readonly callers = new LRUCache<string, Verified>({ max: CACHE_SIZE });
  private signingKey: ReturnType<typeof importJWK> | undefined;

  constructor(private readonly options: ContextTokensOptions) {
    this.keys = new Map(options.jwks.map(({ d: _private, ...jwk }) => [jwk.kid, importJWK(jwk, ALGORITHM)]));
  }

  /** Returns what `mint` would resolve to, if nothing has to be signed for it. The caller object must not change. */
  cachedToken(caller: CallerClaims): string | undefined {
    const minted = this.tokenOf.get(caller);
    return minted && Date.now() < minted.reusableUntil ? minted.token : undefined;
  }

  /** Resolves to a token for the caller, the same one for 45 s. */
  async mint(caller: CallerClaims): Promise<string> {
    const { tenant_id, user_id, session_id, api_key_id, role, permissions } = caller;
    const claims = { tenant_id, user_id, session_id, api_key_id, role, permissions };
    const key = JSON.stringify(claims);
    const minted = this.reusable(key) ?? this.remember(key, this.sign(claims));
    const token = await minted.token;
    this.tokenOf.set(caller, { token, reusableUntil: minted.reusableUntil });
    return token;
  }

  /** Returns what `verify` would resolve to, if the signature has been checked before. Throws `unauthenticated` when the token has expired. */
  cachedCaller(token: string): Caller | undefined {
    const verified = this.callers.get(token);
    if (!verified) return undefined;
    if (verified.exp + CLOCK_TOLERANCE_S <= Date.now() / 1000) throw invalid('has expired');
    return verified.caller;
  }

  /** Resolves to the caller that the token names. The signature is checked once, the expiry every time. Throws `unauthenticated`. */
  async verify(token: string): Promise<Caller> {
    const known = this.cachedCaller(token);
    if (known) return known;
    const verified = await this.check(token);
    // A copy: a token that is part of a larger string would keep all of it in memory.
    this.callers.set(Buffer.from(token).toString(), verified);
    return verified.caller;
  }

  private reusable(key: string): Minted<Promise<string>> | undefined {
    const minted = this.tokens.get(key);
    return minted && Date.now() < minted.reusableUntil ? minted : undefined;
  }

  private remember(key: string, token: Promise<string>): Minted<Promise<string>> {
    const minted = { token, reusableUntil: Date.now() + REUSE_MS };
    this.tokens.set(key, minted);
    token.catch(() => this.tokens.delete(key));
    return minted;
  }

  private async sign(claims: CallerClaims): Promise<string> {
    const { service, privateJwk } = this.options;
    this.signingKey ??= importJWK(privateJwk, ALGORITHM);
    return new SignJWT({ [claimOf(service)]: claims })
      .setProtectedHeader({ alg: ALGORITHM, kid: service })
      .setIssuer(service)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME_S}s`)
      .sign(await this.signingKey);
  }

  private async check(token: string): Promise<Verified> {
    const { payload, protectedHeader } = await jwtVerify(token, this.keyOf, {
      algorithms: [ALGORITHM],
      audience: AUDIENCE,
      requiredClaims: ['exp'],
      clockTolerance: CLOCK_TOLERANCE_S,
    }).catch(() => {
      throw invalid('is not valid');
    });
    const issuer = services.find((service) => service === payload.iss);
    if (!issuer || issuer !== protectedHeader.kid) throw invalid('names another issuer than its key');
    const claims = payload[claimOf(issuer)];
    if (!isCallerClaims(claims)) throw invalid('names no caller');
    return { caller: Object.freeze({ ...claims, issuer }), exp: payload.exp ?? 0 };
  }

  private readonly keyOf: JWTVerifyGetKey = ({ kid }) => {
    const key = this.keys.get(kid ?? '');
    if (!key) throw invalid('is signed by nobody of the fleet');
    return key;
  };
}

const claimOf = (issuer: ServiceName) => (issuer === 'gateway' ? 'caller' : 'on_behalf_of');

const invalid = (what: string) => new ProblemError('unauthenticated', `The context token ${what}.`);

const isCallerClaims = (value: unknown): value is CallerClaims =>
  typeof value === 'object' &&
  value !== null &&
  'tenant_id' in value &&
  typeof value.tenant_id === 'string' &&
  'permissions' in value &&
  Array.isArray(value.permissions) &&
  value.permissions.every((permission) => typeof permission === 'string');
