import { deliveryStatuses, type DeliveryStatus } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { oneOf, type StoredEvent, TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { WebhookEntity } from './webhook.entity';

@Entity('webhook_deliveries')
@Unique('webhook_deliveries_event_key', ['tenant_id', 'webhook_id', 'event_id'])
@Index('idx_webhook_deliveries_webhook', ['tenant_id', 'webhook_id', 'id'])
@Index('idx_webhook_deliveries_in_line', ['tenant_id', 'webhook_id', 'created_at'], {
  where: "status = 'pending' and next_attempt_at is null",
})
@Index('idx_webhook_deliveries_delivering', ['tenant_id', 'webhook_id'], { where: "status = 'delivering'" })
@Index('idx_webhook_deliveries_due', ['next_attempt_at'], { where: 'next_attempt_at is not null' })
@Check('webhook_deliveries_status_check', oneOf('status', deliveryStatuses))
@ForeignKey(() => WebhookEntity, ['tenant_id', 'webhook_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class WebhookDeliveryEntity extends TenantRow {
  @Column('uuid')
  webhook_id: string;

  @Column('uuid')
  event_id: string;

  @Column('text')
  event_type: string;

  @Column('jsonb')
  payload: StoredEvent;

  @Column('text', { default: 'pending' })
  status: DeliveryStatus;

  @Column('integer', { default: 0 })
  attempts: number;

  /**
   * While pending: when it is due; null when it is, and waits in line for one of its endpoint's places. While delivering: when it counts
   * as lost and is due again. Null once it has ended.
   */
  @Timestamptz({ nullable: true })
  next_attempt_at: Date | null;

  @Column('integer', { nullable: true })
  last_status_code: number | null;

  @Column('text', { nullable: true })
  last_error: string | null;

  @Timestamptz({ nullable: true })
  delivered_at: Date | null;

  @TimestamptzNow()
  created_at: Date;
}
