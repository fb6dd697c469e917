import type { PlanId, TenantLimits } from '@taai/contracts';
import { sql, type Tx } from '@taai/entities';

export interface Subscription {
  plan_id: string;
  limits: Partial<TenantLimits>;
}

const READ = sql(`select plan_id, limits from subscriptions where status <> 'ended'`);

/** The tenant's own row tells clients its plan. */
const SET_PLAN = sql(`
  with subscription as (update subscriptions set plan_id = $2 where tenant_id = $1 and status <> 'ended')
  update tenants set plan_id = $2, updated_at = now() where id = $1`);

const SET_LIMITS = sql(`update subscriptions set limits = $1 where status <> 'ended'`);

/** Resolves to undefined for a tenant that has none. */
export async function findSubscription(tx: Tx): Promise<Subscription | undefined> {
  const [subscription] = await tx.read<Subscription>(READ, []);
  return subscription;
}

export async function setPlan(tx: Tx, plan_id: PlanId): Promise<void> {
  await tx.write(SET_PLAN, [tx.tenant_id, plan_id]);
}

export async function setLimits(tx: Tx, limits: Partial<TenantLimits>): Promise<void> {
  await tx.write(SET_LIMITS, [JSON.stringify(limits)]);
}
