import type { JsonWebKey } from '@taai/contracts';
import type { Jwk } from '@taai/platform';
import { SignJWT } from 'jose';

const NAME = 'task-assistant';

/** Seconds. */
export const ACCESS_TOKEN_TTL = 24 * 60 * 60;

/** What an access token says: who, of which tenant, in which role, by which session. */
export interface AccessClaims {
  sub: string;
  tenant_id: string;
  role: string;
  sid: string;
}

/** Signs access tokens with the newest key; publishes all, so that tokens of older ones stay valid until they expire. */
export class AccessTokens {
  readonly #newest: Jwk;

  /** @param keys Private keys, newest first. */
  constructor(private readonly keys: readonly Jwk[]) {
    const [newest] = keys;
    if (!newest) throw new Error('There is no key to sign access tokens with.');
    this.#newest = newest;
  }

  sign({ sub, ...claims }: AccessClaims): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: this.#newest.kid })
      .setSubject(sub)
      .setIssuer(NAME)
      .setAudience(NAME)
      .setIssuedAt()
      .setExpirationTime(`${ACCESS_TOKEN_TTL}s`)
      .sign(this.#newest);
  }

  /** The public halves, as JSON Web Keys. */
  published(): JsonWebKey[] {
    return this.keys.map(({ kty, crv, x, kid }) => ({ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' }));
  }
}
