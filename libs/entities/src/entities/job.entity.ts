import { jobStatuses, type JobStatus } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { type JsonObject, oneOf, TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

/** Work that outlives its request: bulk changes, exports, reports. */
@Entity('jobs')
@Index('idx_jobs_open', ['kind', 'lease_until'], { where: "status in ('queued', 'running')" })
@Index('jobs_one_export_key', ['tenant_id'], {
  unique: true,
  where: "kind = 'tenant.export' and status in ('queued', 'running')",
})
@Check('jobs_status_check', oneOf('status', jobStatuses))
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class JobEntity extends TenantRow {
  /** `task.bulk`, `tenant.export`, … */
  @Column('text')
  kind: string;

  @Column('text', { default: 'queued' })
  status: JobStatus;

  /** How many items are done. */
  @Column('integer', { default: 0 })
  progress: number;

  /** How many items there are in all; null until they are counted. */
  @Column('integer', { nullable: true })
  total: number | null;

  @Column('jsonb', { default: {} })
  input: JsonObject;

  @Column('jsonb', { nullable: true })
  result: JsonObject | null;

  @Column('text', { nullable: true })
  error_code: string | null;

  @Column('text', { nullable: true })
  error_detail: string | null;

  /** How often it was taken up. */
  @Column('integer', { default: 0 })
  attempts: number;

  /** Until then it belongs to the replica that took it up. */
  @Timestamptz({ nullable: true })
  lease_until: Date | null;

  @Column('uuid', { nullable: true })
  created_by: string | null;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;

  @Timestamptz({ nullable: true })
  finished_at: Date | null;
}
