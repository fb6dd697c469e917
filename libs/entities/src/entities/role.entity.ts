import { Column, Entity, ForeignKey, Unique } from 'typeorm';
import { TenantRow, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

/** A role of a tenant's own, beside the built-in ones; users have it by its name. */
@Entity('roles')
@Unique('roles_name_key', ['tenant_id', 'name'])
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class RoleEntity extends TenantRow {
  @Column('text')
  name: string;

  @Column('text', { nullable: true })
  description: string | null;

  /** `resource:action`, with `*` on either side. */
  @Column('text', { array: true })
  permissions: string[];

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;
}
