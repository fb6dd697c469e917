import type { DomainEvent, OutboxData, OutboxType } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import { v7 } from 'uuid';
import type { Tx } from '../database/tx';
import { sql } from '../database/statement';

/** It returns nothing, because a service may add events and not read them. */
const INSERT = sql('insert into outbox (tenant_id, id, type, payload) values ($1, $2, $3, $4) on conflict do nothing');

/**
 * Tells the world (an `EventType`) or the fleet alone (mail) of a change when, and only when, the change commits; what was audited
 * goes through `audit`. Under an `id` of the sender's own a repetition adds nothing while the first is still there. Resolves to
 * what will leave.
 */
export async function emit<T extends OutboxType>(
  tx: Tx,
  type: T,
  data: OutboxData[T],
  id = v7(),
): Promise<DomainEvent<T>> {
  const event = eventOf(tx.tenant_id, type, data, id);
  await tx.write(INSERT, [tx.tenant_id, id, type, event]);
  return event;
}

/** The `id`, `type` and `payload` of a row of the outbox. */
export type EventRow = readonly [id: string, type: OutboxType, payload: string];

/** Returns an event of the caller's tenant as a row, for a statement that writes it together with the change. */
export function eventRow<T extends OutboxType>(type: T, data: OutboxData[T]): EventRow {
  const event = eventOf(currentCaller().tenant_id, type, data, v7());
  return [event.id, type, JSON.stringify(event)];
}

const eventOf = <T extends OutboxType>(
  tenant_id: string,
  type: T,
  data: OutboxData[T],
  id: string,
): DomainEvent<T> => ({ id, type, created_at: new Date().toISOString(), tenant_id, data });
