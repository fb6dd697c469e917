import { Column, Entity, ForeignKey, Index } from 'typeorm';
import { TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { UserEntity } from './user.entity';

@Entity('sessions')
@Index('idx_sessions_user', ['tenant_id', 'user_id'])
@Index('sessions_refresh_token_hash_key', ['refresh_token_hash'], { unique: true })
@ForeignKey(() => UserEntity, ['tenant_id', 'user_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class SessionEntity extends TenantRow {
  @Column('uuid')
  user_id: string;

  /** The hash of the current refresh token; the token itself is stored nowhere. */
  @Column('text', { nullable: true })
  refresh_token_hash: string | null;

  /** The salt with which the current token is derived from the one before it, in base64url; null before the first rotation. */
  @Column('text', { nullable: true })
  refresh_salt: string | null;

  @Timestamptz({ nullable: true })
  refresh_rotated_at: Date | null;

  @Column('text', { nullable: true })
  ip: string | null;

  @Column('text', { nullable: true })
  user_agent: string | null;

  @TimestamptzNow()
  created_at: Date;

  @Timestamptz()
  expires_at: Date;

  @Timestamptz({ nullable: true })
  revoked_at: Date | null;
}
