import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { authContract, isUuid, ProblemError, TOKEN_PARTY, type BySession, type JsonWebKey } from '@taai/contracts';
import { hashOfApiKey, log, looksLikeApiKey, RpcClient } from '@taai/platform';
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';

/** What a request proves its sender with. Of an API key no more than its hash is kept. */
export type Credential = { kind: 'token'; token: string } | { kind: 'api_key'; key_hash: string };

/**
 * The one credential of a request, from `Authorization: Bearer` or `x-api-key`. An API key that is mistyped or made up fails here,
 * by its checksum, without a question to anybody. Throws `unauthenticated`.
 */
export function credentialOf(headers: IncomingHttpHeaders): Credential {
  const { authorization, 'x-api-key': key } = headers;
  if (authorization !== undefined && key !== undefined) throw refused('Send Authorization or x-api-key, not both.');
  if (typeof key === 'string') return apiKey(key);
  const bearer = bearerOf(authorization);
  return looksLikeApiKey(bearer) ? apiKey(bearer) : { kind: 'token', token: bearer };
}

const BEARER = 'bearer ';

function bearerOf(authorization = ''): string {
  const [scheme, text] = [authorization.slice(0, BEARER.length), authorization.slice(BEARER.length)];
  if (scheme.toLowerCase() !== BEARER || text === '' || text.includes(' ')) throw refused();
  return text;
}

function apiKey(text: string): Credential {
  const key_hash = hashOfApiKey(text);
  if (!key_hash) throw refused('This is no API key.');
  return { kind: 'api_key', key_hash };
}

const refused = (detail?: string) => new ProblemError('unauthenticated', detail);

interface Verified {
  session: BySession;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

interface KeySet {
  find: ReturnType<typeof createLocalJWKSet>;
  /** When tokens of a key stop being accepted, in seconds since 1970, by key id. */
  ends: ReadonlyMap<string, number>;
}

/** An unknown key id asks auth for its keys at most this often: forged tokens must not become calls. */
const KEY_REFRESH_MS = 10_000;

/**
 * Which session an access token belongs to: EdDSA, algorithm, issuer and audience pinned, keys from auth's JWKS alone. A
 * verified token is remembered, since verification costs 100 times the look-up; its expiry is checked every time.
 */
@Injectable()
export class AccessTokens {
  private readonly verified = new LRUCache<string, Verified>({ max: 20_000 });
  private keys: KeySet | undefined;
  private keysAskedAt = -Infinity;
  private asking: Promise<KeySet> | undefined;

  constructor(private readonly rpc: RpcClient) {}

  /** What `verify` would answer, if the token has been verified before. Throws `unauthenticated` when it has expired. */
  known(token: string): BySession | undefined {
    const verified = this.verified.get(token);
    return verified && unexpired(verified);
  }

  /** Throws `unauthenticated`. Whether the session still lives is another question. */
  async verify(token: string): Promise<BySession> {
    return this.known(token) ?? unexpired(await this.check(token));
  }

  /** When a token that has been verified expires, in milliseconds since 1970; 0 when that is forgotten. */
  endOf(token: string): number {
    return this.verified.get(token)?.expiresAt ?? 0;
  }

  /** The keys that auth accepts now: when they are others than we know, tokens are verified anew. */
  async follow(keyIds: readonly string[]): Promise<void> {
    if (!this.keys || keyIds.toSorted().join() === [...this.keys.ends.keys()].sort().join()) return;
    await this.fetchKeys();
    this.verified.clear();
  }

  private async check(token: string): Promise<Verified> {
    const verified = await this.verifyWithKnownKeys(token);
    this.verified.set(token, verified);
    return verified;
  }

  private async verifyWithKnownKeys(token: string): Promise<Verified> {
    try {
      return await verifyWith(this.keys ?? (await this.fetchKeys()), token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !this.mayAskForKeys()) throw refusal(error);
      return verifyWith(await this.fetchKeys(), token).catch((again: unknown) => {
        throw refusal(again);
      });
    }
  }

  private mayAskForKeys(): boolean {
    return performance.now() - this.keysAskedAt > KEY_REFRESH_MS;
  }

  /** However many ask at once, auth is asked once. */
  private fetchKeys(): Promise<KeySet> {
    this.keysAskedAt = performance.now();
    this.asking ??= this.askForKeys().finally(() => (this.asking = undefined));
    return this.asking;
  }

  private async askForKeys(): Promise<KeySet> {
    const { keys } = await this.rpc.for(authContract).jwks({});
    this.keys = {
      find: createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) }),
      ends: new Map(keys.map((key: JsonWebKey) => [key.kid, key.exp ?? Infinity])),
    };
    log.debug({ keys: keys.length }, 'signing keys of auth are known');
    return this.keys;
  }
}

async function verifyWith({ find, ends }: KeySet, token: string): Promise<Verified> {
  const { payload, protectedHeader } = await jwtVerify(token, find, {
    algorithms: ['EdDSA'],
    issuer: TOKEN_PARTY,
    audience: TOKEN_PARTY,
    requiredClaims: ['sub', 'exp', 'tenant_id', 'sid', 'role'],
  });
  const keyEnds = ends.get(protectedHeader.kid ?? '') ?? 0;
  return { session: sessionOf(payload), expiresAt: Math.min(payload.exp ?? 0, keyEnds) * 1000 };
}

function unexpired({ session, expiresAt }: Verified): BySession {
  if (expiresAt <= Date.now()) throw new ProblemError('unauthenticated', 'The access token has expired.');
  return session;
}

/** Anything wrong with the token is the client's; anything else (auth does not answer) goes on as it is. */
const refusal = (error: unknown): unknown => (error instanceof errors.JOSEError ? invalid() : error);

const invalid = () => new ProblemError('unauthenticated', 'The access token is not valid.');

function sessionOf({ tenant_id, sid }: JWTPayload): BySession {
  if (!isUuid(tenant_id) || !isUuid(sid)) throw invalid();
  return { tenant_id, session_id: sid };
}
