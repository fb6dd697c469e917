import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { BigIntColumn } from './columns';
import { TenantEntity } from './tenant.entity';

/** The newest entry of a tenant's audit log: without it, entries cut off at the end would not be missed. */
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
