import type { DomainEvent, EventType, OutboxData, OutboxType } from '@taai/contracts';
import { v7 } from 'uuid';
import type { Tx } from '../database/with-tenant';

/** Nothing is returned, so that a service which may only add events need not see any. */
const INSERT = 'insert into outbox (tenant_id, id, type, payload) values ($1, $2, $3, $4)';
const INSERT_ONCE = `${INSERT} on conflict do nothing`;

/** Tells the world of a change when, and only when, the change commits. Resolves to what will leave. */
export const emit = <T extends EventType>(tx: Tx, type: T, data: OutboxData[T]): Promise<DomainEvent<T>> =>
  enqueue(tx, type, data);

/** The same for what stays within the fleet: audit entries, mail. */
export async function enqueue<T extends OutboxType>(tx: Tx, type: T, data: OutboxData[T]): Promise<DomainEvent<T>> {
  const event = eventOf(tx, v7(), type, data);
  await tx.query(INSERT, [tx.tenant_id, event.id, type, event]);
  return event;
}

/** The same under an id of the sender's own: a repetition adds nothing while the first is still there. */
export async function enqueueOnce<T extends OutboxType>(
  tx: Tx,
  id: string,
  type: T,
  data: OutboxData[T],
): Promise<void> {
  await tx.query(INSERT_ONCE, [tx.tenant_id, id, type, eventOf(tx, id, type, data)]);
}

const eventOf = <T extends OutboxType>(
  { tenant_id }: Tx,
  id: string,
  type: T,
  data: OutboxData[T],
): DomainEvent<T> => ({ id, type, created_at: new Date().toISOString(), tenant_id, data });
