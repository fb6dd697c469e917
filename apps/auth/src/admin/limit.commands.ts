import { planIds, TenantLimits, validatorErrors, type PlanId } from '@taai/contracts';
import { audit, withTenantId, type Tx } from '@taai/entities';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { DataSource } from 'typeorm';
import { findSubscription, setLimits, setPlan, type Subscription } from '../tenant/subscription.repository';
import { AdminError, type Command } from './command';
import { find, operator, say } from './tenant.commands';

/** The commands for what tenants may use, by noun and verb. */
export const limitCommands: Record<string, Command> = {
  'tenant plan': {
    takes: ['id', 'plan'],
    summary: `Put a tenant on a plan: ${planIds.join(', ')}`,
    run: (tools, [id, plan]) => say(tools, (db) => changePlan(db, id, planOf(plan))),
  },
  'tenant limits': {
    takes: ['id', 'json'],
    summary: `Allow a tenant other limits than its plan: '{"requests_per_minute":500}'; '{}' takes them back`,
    run: (tools, [id, json]) => say(tools, (db) => changeLimits(db, id, limitsOf(json))),
  },
};

const isPlan = (text: string | undefined): text is PlanId => planIds.some((id) => id === text);

function planOf(text: string | undefined): PlanId {
  if (!isPlan(text)) throw new AdminError(`A plan is one of ${planIds.join(', ')}.`);
  return text;
}

/** The limits that are given, and no others. */
function limitsOf(json = ''): Partial<TenantLimits> {
  const value = parse(json);
  const rules = { whitelist: true, forbidNonWhitelisted: true, skipMissingProperties: true };
  const faults = validatorErrors(validateSync(plainToInstance(TenantLimits, value), rules));
  if (faults.length > 0) throw new AdminError(faults.map(({ path, message }) => `${path} ${message}.`).join(' '));
  return value;
}

function parse(json: string): Partial<TenantLimits> {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // It is said below.
  }
  throw new AdminError('Limits are a JSON object.');
}

const changePlan = (db: DataSource, id: string | undefined, plan_id: PlanId) =>
  change(db, id, 'tenant.plan_changed', async (tx, { limits }) => {
    await setPlan(tx, plan_id);
    return { plan_id, limits };
  });

const changeLimits = (db: DataSource, id: string | undefined, limits: Partial<TenantLimits>) =>
  change(db, id, 'tenant.limits_changed', async (tx, { plan_id }) => {
    await setLimits(tx, limits);
    return { plan_id, limits };
  });

/** Makes the change of a tenant's subscription, which is audited. The gateways hear of it by a trigger. */
async function change(
  db: DataSource,
  named: string | undefined,
  action: string,
  make: (tx: Tx, before: Subscription) => Promise<Subscription>,
): Promise<string> {
  const { id } = await find(db, named);
  await withTenantId(db, id, async (tx) => {
    const before = await findSubscription(tx);
    if (!before) throw new AdminError(`Tenant ${id} has no subscription.`);
    const after = await make(tx, before);
    await audit(tx, { action, target: { type: 'tenant', id }, before, after, actor: operator() });
  });
  return `Tenant ${id} is allowed what you said. Gateways follow within 5 seconds.`;
}
