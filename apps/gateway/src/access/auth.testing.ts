import { randomUUID } from 'node:crypto';
import {
  accessContract,
  authContract,
  bind,
  ProblemError,
  services,
  type AccessChanges,
  type Principal,
} from '@taai/contracts';
import { ContextTokens, Fernet, RpcClient, RpcServer } from '@taai/platform';
import { makeFernetKey, makeJwk, redisUrl } from '@taai/platform-testing';
import { SignJWT, type JWTHeaderParameters, type JWTPayload } from 'jose';

export const [oldKey, newKey] = [makeJwk('old'), makeJwk('new')];

/** What a good access token is signed with, and says in its header. */
export interface Signing {
  key?: Parameters<SignJWT['sign']>[0];
  header?: Partial<JWTHeaderParameters>;
}

/** An access token of an hour, as auth signs them, but for what is given; a claim that is undefined is left out. */
export const sign = (claims: JWTPayload, { key = newKey, header }: Signing = {}): Promise<string> =>
  new SignJWT({
    sub: randomUUID(),
    iss: 'task-assistant',
    aud: 'task-assistant',
    exp: Math.floor(Date.now() / 1000) + 3600,
    role: 'admin',
    ...claims,
  })
    .setProtectedHeader({ alg: 'EdDSA', kid: key === oldKey ? 'old' : 'new', ...header })
    .sign(key);

/** Auth, as far as the gateway sees it, and the gateway's connection to it, on a numbered Redis database of their own. */
export class FakeAuth {
  /** By session id or hash of an API key. */
  readonly principals = new Map<string, Principal | ProblemError>();
  changes: AccessChanges['changes'] = [];
  keys: { kid: string; exp?: number }[] = [oldKey, newKey];
  /** How often it was asked whom a credential stands for: each would be a query. */
  asked = 0;
  /** How often it was asked for its keys. */
  askedForKeys = 0;
  readonly rpc: RpcClient;
  private readonly server: RpcServer;

  constructor(database: number) {
    const fernet = new Fernet([makeFernetKey()]);
    const jwks = services.map(makeJwk);
    const optionsOf = (service: 'auth' | 'gateway') => {
      const privateJwk = jwks.find(({ kid }) => kid === service) ?? makeJwk(service);
      const tokens = new ContextTokens({ service, privateJwk, jwks });
      return { service, redisUrl: `${redisUrl()}/${database}`, tokens, fernet };
    };
    this.rpc = new RpcClient(optionsOf('gateway'));
    this.server = new RpcServer(optionsOf('auth'));
  }

  async start(): Promise<void> {
    const serve = (
      rpc: ReturnType<typeof bind>,
      handle: (input: { session_id: string; key_hash: string }) => Promise<unknown>,
    ) => this.server.addHandler(rpc.rpc, handle, false, { bound: rpc });
    serve(bind(accessContract, 'session'), async ({ session_id }) => this.find(session_id));
    serve(bind(accessContract, 'apiKey'), async ({ key_hash }) => this.find(key_hash));
    serve(bind(accessContract, 'changes'), async () => ({
      changes: this.changes,
      is_cut: false,
      key_ids: this.keys.map(({ kid }) => kid),
    }));
    serve(bind(authContract, 'jwks'), async () => this.keySet());
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.server.listen(resolve);
    await promise;
    await this.rpc.connect();
  }

  async close(): Promise<void> {
    await this.rpc.close();
    await this.server.close();
  }

  private keySet() {
    this.askedForKeys++;
    const keys = this.keys.map(({ kid, exp }) => {
      const { kty, crv, x } = kid === 'old' ? oldKey : newKey;
      return { kty, crv, x, kid, alg: 'EdDSA', use: 'sig', ...(exp !== undefined && { exp }) };
    });
    return { keys };
  }

  private find(id: string): Principal {
    this.asked++;
    const found = this.principals.get(id) ?? new ProblemError('unauthenticated');
    if (found instanceof ProblemError) throw found;
    return found;
  }
}
