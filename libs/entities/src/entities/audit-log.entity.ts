import { Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { BigIntColumn, type JsonObject, TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

/** An entry of the audit log. Auth alone appends entries, and nobody changes them: the grants allow no more. `hash` covers the whole row. */
@Entity('audit_logs')
@Unique('audit_logs_seq_key', ['tenant_id', 'seq'])
@Index('idx_audit_logs_target', ['tenant_id', 'target_type', 'target_id', 'seq'])
@Index('idx_audit_logs_actor', ['tenant_id', 'actor_id', 'seq'])
@Index('idx_audit_logs_action', ['tenant_id', 'action', 'seq'])
@Index('idx_audit_logs_created', ['tenant_id', 'created_at'])
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class AuditLogEntity extends TenantRow {
  /** 1, 2, … per tenant. */
  @BigIntColumn()
  seq: number;

  /** `user`, `api_key`, `service` or `operator`. */
  @Column('text')
  actor_type: string;

  @Column('text', { nullable: true })
  actor_id: string | null;

  /** `resource.verb`. */
  @Column('text')
  action: string;

  @Column('text', { nullable: true })
  target_type: string | null;

  @Column('text', { nullable: true })
  target_id: string | null;

  /** Without secrets, as is `after`. */
  @Column('jsonb', { nullable: true })
  before: JsonObject | null;

  @Column('jsonb', { nullable: true })
  after: JsonObject | null;

  @Column('text', { nullable: true })
  request_id: string | null;

  @Column('text', { nullable: true })
  ip: string | null;

  @TimestamptzNow()
  created_at: Date;

  /** SHA-256 in hex; null in a tenant's first entry. */
  @Column('text', { nullable: true })
  previous_hash: string | null;

  @Column('text')
  hash: string;
}
