import type { EventType } from '@taai/contracts';
import { Column, Entity, ForeignKey, Index } from 'typeorm';
import { TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

@Entity('webhooks')
@Index('idx_webhooks_secret_key', ['secret_key_id'])
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class WebhookEntity extends TenantRow {
  @Column('text')
  url: string;

  @Column('text', { array: true })
  events: EventType[];

  @Column('text', { nullable: true })
  description: string | null;

  /** A Fernet token of the signing secret. */
  @Column('text')
  secret_ciphertext: string;

  /** Of the key that encrypted it; null in rows that are older than this column. */
  @Column('text', { nullable: true })
  secret_key_id: string | null;

  @Column('boolean', { default: true })
  is_active: boolean;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
