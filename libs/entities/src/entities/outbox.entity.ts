import { Column, Entity, Index } from 'typeorm';
import { type StoredEvent, TenantRow, Timestamptz, TimestamptzNow } from './columns';

/** An event on its way out. It commits with the change that it tells of, and the relay deletes it. */
@Entity('outbox')
@Index('idx_outbox_waiting', ['tenant_id', 'created_at', 'id'], { where: 'claimed_until is null' })
@Index('idx_outbox_claimed', ['claimed_until'], { where: 'claimed_until is not null' })
export class OutboxEntity extends TenantRow {
  @Column('text')
  type: string;

  @Column('jsonb')
  payload: StoredEvent;

  @TimestamptzNow()
  created_at: Date;

  /** Until then the row belongs to the relay that claimed it, or is left for later; null while it waits for a relay. */
  @Timestamptz({ nullable: true })
  claimed_until: Date | null;

  /** How often it was claimed. */
  @Column('integer', { default: 0 })
  attempts: number;
}
