import type { DomainEvent, EventType, OutboxType } from '@taai/contracts';
import { v7 } from 'uuid';
import type { Tx } from './with-tenant';

/** Nothing is returned, so that a service which may only add events need not see any. */
const INSERT = 'insert into outbox (tenant_id, id, type, payload) values ($1, $2, $3, $4)';

/** Tells the world of a change when, and only when, the change commits. Resolves to what will leave. */
export const emit = (tx: Tx, type: EventType, data: Record<string, unknown>): Promise<DomainEvent> =>
  enqueue(tx, type, data);

/** The same for what stays within the fleet: audit entries, mail. */
export async function enqueue<T extends OutboxType>(
  tx: Tx,
  type: T,
  data: Record<string, unknown>,
): Promise<DomainEvent<T>> {
  const { tenant_id } = tx;
  const event = { id: v7(), type, created_at: new Date().toISOString(), tenant_id, data };
  await tx.query(INSERT, [tenant_id, event.id, type, event]);
  return event;
}
