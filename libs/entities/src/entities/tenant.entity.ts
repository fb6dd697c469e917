import { tenantStatuses, type TenantStatus } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { type JsonObject, oneOf, Timestamptz, TimestamptzNow } from './columns';
import { PlanEntity } from './plan.entity';

@Entity('tenants')
@Index('idx_tenants_delete_at', ['delete_at'], { where: "status = 'deleting'" })
@Check('tenants_status_check', oneOf('status', tenantStatuses))
export class TenantEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column('text')
  name: string;

  @ForeignKey(() => PlanEntity)
  @Column('text', { default: 'free' })
  plan_id: string;

  @Column('text', { default: 'active' })
  status: TenantStatus;

  @Column('jsonb', { default: {} })
  settings: JsonObject;

  /** When a tenant that is `deleting` loses its rows. */
  @Timestamptz({ nullable: true })
  delete_at: Date | null;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
