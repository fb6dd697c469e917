import type { AuditActorType, AuditRecord } from '@taai/contracts';
import { currentContext, type Caller } from '@taai/tenant';
import { auditedState } from './audited-state';
import { emit } from './outbox';
import type { Tx } from '../database/tx';

/** Who made a change. */
export interface AuditActor {
  type: AuditActorType;
  id: string | null;
}

/** A change, or a refused attempt. */
export interface AuditEntry {
  /** The resource and the verb in the past tense: `provider.created`. */
  action: string;
  target: { type: string; id: string };
  /** The public fields before the change; absent for what was created. `auditedState` says what is kept of them. */
  before?: object;
  /** The public fields after the change; absent for what was removed. */
  after?: object;
  /** Who did it; the caller, if absent. Public routes have no caller. */
  actor?: AuditActor;
}

interface Difference<T> {
  before: Partial<T>;
  after: Partial<T>;
}

/**
 * Records a change in the tenant's audit log when, and only when, the change commits. The auth service appends it there. Of an
 * object's two states it records what `difference` finds; nothing, where it finds nothing.
 */
export async function audit(tx: Tx, { action, target, before, after, actor }: AuditEntry): Promise<void> {
  const states = before && after ? difference(before, after) : { before, after };
  if (!states) return;
  const { caller, request_id, ip } = currentContext() ?? {};
  const { type, id } = actor ?? actorOf(caller);
  const record: Omit<AuditRecord, 'id' | 'created_at'> = {
    actor_type: type,
    actor_id: id,
    action,
    target_type: target.type,
    target_id: target.id,
    before: states.before ? auditedState(states.before) : null,
    after: states.after ? auditedState(states.after) : null,
    request_id: request_id ?? null,
    ip: ip ?? null,
  };
  await emit(tx, 'audit.recorded', { ...record });
}

function actorOf(caller: Caller | undefined): AuditActor {
  if (!caller) throw new Error('Nobody is named as the actor of an audited change.');
  if (caller.api_key_id) return { type: 'api_key', id: caller.api_key_id };
  if (caller.user_id) return { type: 'user', id: caller.user_id };
  return { type: 'service', id: caller.issuer };
}

/** Fields that change with every write, and so tell nothing. */
const BOOKKEEPING = ['updated_at', 'version'];

/**
 * Of two states of an object, the fields that differ: what an entry says of a change. Undefined when none does but `updated_at`
 * and `version`.
 */
export function difference<T extends object>(before: T, after: T): Difference<T> | undefined {
  const differs = (key: string) => JSON.stringify(Reflect.get(before, key)) !== JSON.stringify(Reflect.get(after, key));
  const only = (state: T) => Object.fromEntries(Object.entries(state).filter(([key]) => differs(key))) as Partial<T>;
  const changed = { before: only(before), after: only(after) };
  const isChange = Object.keys({ ...changed.before, ...changed.after }).some((key) => !BOOKKEEPING.includes(key));
  return isChange ? changed : undefined;
}
