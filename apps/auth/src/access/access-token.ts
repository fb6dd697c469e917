import { limits, TOKEN_PARTY, type JsonWebKey } from '@taai/contracts';
import type { Jwk } from '@taai/platform';
import { SignJWT } from 'jose';

/** The claims of an access token: `sub` is the user, `sid` the session. */
interface AccessClaims {
  sub: string;
  tenant_id: string;
  role: string;
  sid: string;
}

const seconds = () => Math.floor(Date.now() / 1000);

const hasExpired = ({ exp }: Jwk, now: number) => exp !== undefined && exp <= now;

/**
 * Signs access tokens with the newest key whose time has come; publishes all that have not expired, so that a key is known
 * everywhere before it signs, and its tokens stay valid until it expires.
 */
export class AccessTokens {
  /** @param keys Private keys, newest first. Throws when none of them could sign now. */
  constructor(private readonly keys: readonly Jwk[]) {
    this.signer();
  }

  async sign({ sub, ...claims }: AccessClaims): Promise<string> {
    const { kty, crv, x, d, kid } = this.signer();
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid })
      .setSubject(sub)
      .setIssuer(TOKEN_PARTY)
      .setAudience(TOKEN_PARTY)
      .setIssuedAt()
      .setExpirationTime(`${limits.accessTokenSeconds}s`)
      .sign({ kty, crv, x, d });
  }

  /** Returns the public keys as JSON Web Keys. */
  published(): JsonWebKey[] {
    const now = seconds();
    return this.keys
      .filter((key) => !hasExpired(key, now))
      .map(({ kty, crv, x, kid, exp }) => ({ kty, crv, x, kid, alg: 'EdDSA', use: 'sig', ...(exp && { exp }) }));
  }

  private signer(): Jwk {
    const now = seconds();
    const signer = this.keys.find((key) => (key.nbf ?? 0) <= now && !hasExpired(key, now));
    if (!signer) throw new Error('There is no key to sign access tokens with: all have expired, or begin later.');
    return signer;
  }
}
