import { between, jwks, readVariables } from '@taai/platform';

/**
 * Reads the auth service's own variables: its signing keys, newest first, the cost of a password hash, and after how many days a
 * deleted tenant loses its rows.
 */
export function readAuthConfig() {
  const env = readVariables({
    AUTH_PRIVATE_JWKS: jwks(),
    BCRYPT_COST: between(4, 16)({ default: 12 }),
    TENANT_GRACE_DAYS: between(0, 3650)({ default: 30 }),
  });
  return { signingKeys: env.AUTH_PRIVATE_JWKS, bcryptCost: env.BCRYPT_COST, tenantGraceDays: env.TENANT_GRACE_DAYS };
}
