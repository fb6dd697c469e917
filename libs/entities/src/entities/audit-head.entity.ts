import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { BigIntColumn } from './columns';
import { TenantEntity } from './tenant.entity';

/** The newest entry of a tenant's audit log. It shows when entries were cut off at the end. */
@Entity('audit_heads')
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class AuditHeadEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @BigIntColumn()
  seq: number;

  @Column('text')
  hash: string;
}
