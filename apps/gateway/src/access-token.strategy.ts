import { Injectable, Logger } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { authContract, ProblemError } from '@taai/contracts';
import { RpcClient } from '@taai/platform';
import { rolePermissions } from '@taai/rbac';
import type { Caller } from '@taai/tenant';
import type { FastifyRequest } from 'fastify';
import { createLocalJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import { Strategy } from 'passport-custom';

type Verified = Omit<Caller, 'issuer'>;
type KeySet = ReturnType<typeof createLocalJWKSet>;

/** An unknown key id asks auth for its keys at most this often: forged tokens must not become calls. */
const KEY_REFRESH_MS = 10_000;

/**
 * Who sent the request, by its bearer token: EdDSA, algorithm, issuer and audience pinned, keys from auth's JWKS alone. A
 * verified token is remembered, since verification costs 100 times the look-up; its expiry is checked every time.
 */
@Injectable()
export class AccessTokenStrategy extends PassportStrategy(Strategy, 'access-token') {
  private readonly verified = new LRUCache<string, { caller: Verified; expiresAt: number }>({ max: 20_000 });
  private keys: KeySet | undefined;
  private keysAskedAt = -Infinity;

  constructor(private readonly rpc: RpcClient) {
    super();
  }

  async validate(request: FastifyRequest): Promise<Verified> {
    const [scheme, token, ...rest] = (request.headers.authorization ?? '').split(' ');
    if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0) throw new ProblemError('unauthenticated');
    const known = this.verified.get(token);
    if (known) {
      if (known.expiresAt <= Date.now()) throw new ProblemError('unauthenticated', 'The access token has expired.');
      return known.caller;
    }
    const claims = await this.verify(token);
    const caller = callerOf(claims);
    this.verified.set(token, { caller, expiresAt: (claims.exp ?? 0) * 1000 });
    return caller;
  }

  private async verify(token: string): Promise<JWTPayload> {
    try {
      return await this.verifyWith(await this.keySet(), token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !this.mayAskForKeys()) throw refusal(error);
      return this.verifyWith(await this.fetchKeys(), token).catch((again: unknown) => {
        throw refusal(again);
      });
    }
  }

  private async verifyWith(keys: KeySet, token: string): Promise<JWTPayload> {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['EdDSA'],
      issuer: 'task-assistant',
      audience: 'task-assistant',
      requiredClaims: ['sub', 'exp', 'tenant_id', 'sid', 'role'],
    });
    return payload;
  }

  private keySet(): Promise<KeySet> | KeySet {
    return this.keys ?? this.fetchKeys();
  }

  private mayAskForKeys(): boolean {
    return performance.now() - this.keysAskedAt > KEY_REFRESH_MS;
  }

  private async fetchKeys(): Promise<KeySet> {
    const { keys } = await this.rpc.for(authContract).jwks({});
    this.keysAskedAt = performance.now();
    this.keys = createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) });
    Logger.debug(`${keys.length} signing keys of auth are known`, AccessTokenStrategy.name);
    return this.keys;
  }
}

/** Anything wrong with the token is the client's; anything else (auth does not answer) goes on as it is. */
const refusal = (error: unknown): unknown =>
  error instanceof errors.JOSEError ? new ProblemError('unauthenticated', 'The access token is not valid.') : error;

function callerOf({ sub, tenant_id, sid, role }: JWTPayload): Verified {
  if (typeof sub !== 'string' || typeof tenant_id !== 'string' || typeof sid !== 'string' || typeof role !== 'string') {
    throw new ProblemError('unauthenticated', 'The access token is not valid.');
  }
  return { tenant_id, user_id: sub, session_id: sid, role, permissions: rolePermissions[role] ?? [] };
}
