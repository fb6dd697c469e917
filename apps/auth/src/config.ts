import { planIds, type PlanId } from '@taai/contracts';
import { between, jwks, readVariables, type Jwk } from '@taai/platform';
import { str } from 'envalid';

export interface AuthConfig {
  /** The keys that sign access tokens, newest first. */
  signingKeys: readonly Jwk[];
  /** The exponent of bcrypt for a password's hash. */
  bcryptCost: number;
  /** Days between a tenant's deletion and that of its rows. */
  tenantGraceDays: number;
  /** The plan of tenants that register. */
  defaultPlan: PlanId;
}

/** Reads the auth service's own variables. */
export function readAuthConfig(): AuthConfig {
  const env = readVariables({
    AUTH_PRIVATE_JWKS: jwks(),
    BCRYPT_COST: between(4, 16)({ default: 12 }),
    TENANT_GRACE_DAYS: between(0, 3650)({ default: 30 }),
    DEFAULT_PLAN: str<PlanId>({ choices: planIds, default: 'free' }),
  });
  return {
    signingKeys: env.AUTH_PRIVATE_JWKS,
    bcryptCost: env.BCRYPT_COST,
    tenantGraceDays: env.TENANT_GRACE_DAYS,
    defaultPlan: env.DEFAULT_PLAN,
  };
}
