import { between, jwks, readVariables, type Jwk } from '@taai/platform';

export interface AuthConfig {
  /** The keys that sign access tokens, newest first. */
  signingKeys: readonly Jwk[];
  /** The exponent of bcrypt for a password's hash. */
  bcryptCost: number;
  /** Days between a tenant's deletion and that of its rows. */
  tenantGraceDays: number;
}

/** Reads the auth service's own variables. */
export function readAuthConfig(): AuthConfig {
  const env = readVariables({
    AUTH_PRIVATE_JWKS: jwks(),
    BCRYPT_COST: between(4, 16)({ default: 12 }),
    TENANT_GRACE_DAYS: between(0, 3650)({ default: 30 }),
  });
  return { signingKeys: env.AUTH_PRIVATE_JWKS, bcryptCost: env.BCRYPT_COST, tenantGraceDays: env.TENANT_GRACE_DAYS };
}
