import { Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { UserEntity } from './user.entity';

@Entity('api_keys')
@Unique('api_keys_key_hash_key', ['key_hash'])
@Index('idx_api_keys_creator', ['tenant_id', 'created_by'])
@ForeignKey(() => UserEntity, ['tenant_id', 'created_by'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class ApiKeyEntity extends TenantRow {
  @Column('text')
  name: string;

  /** The first characters, by which people tell keys apart. */
  @Column('text')
  prefix: string;

  @Column('text')
  key_hash: string;

  /** `resource:action`; never more than the creator may do. */
  @Column('text', { array: true })
  scopes: string[];

  @Column('uuid')
  created_by: string;

  @TimestamptzNow()
  created_at: Date;

  @Timestamptz({ nullable: true })
  expires_at: Date | null;

  @Timestamptz({ nullable: true })
  last_used_at: Date | null;

  @Timestamptz({ nullable: true })
  revoked_at: Date | null;
}
