import { Check, Column, Entity, ForeignKey, Unique } from 'typeorm';
import { TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

@Entity('users')
@Unique('users_email_key', ['email'])
@Check('users_email_check', 'email = lower(email)')
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
export class UserEntity extends TenantRow {
  /** The one spelling that `canonicalEmail` makes; unique over the whole platform. */
  @Column('text')
  email: string;

  @Column('text', { nullable: true })
  name: string | null;

  /** Null until an invited user has chosen one. */
  @Column('text', { nullable: true })
  password_hash: string | null;

  @Column('text')
  role: string;

  @Column('boolean', { default: true })
  is_active: boolean;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;

  @Timestamptz({ nullable: true })
  last_login_at: Date | null;
}
