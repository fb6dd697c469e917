import type { DomainEvent, EventType } from '@taai/contracts';
import { v7 } from 'uuid';
import { OutboxEntity } from './entities';
import type { Tx } from './with-tenant';

/** Tells the world of a change when, and only when, the change commits. Resolves to what will leave. */
export async function emit(tx: Tx, type: EventType, data: Record<string, unknown>): Promise<DomainEvent> {
  const { tenant_id } = tx;
  const event: DomainEvent = { id: v7(), type, created_at: new Date().toISOString(), tenant_id, data };
  const row: Partial<OutboxEntity> = { tenant_id, id: event.id, type, payload: event };
  await tx.insert(OutboxEntity, row);
  return event;
}
