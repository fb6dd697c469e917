import { Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';
import { TimestamptzNow } from './columns';
import { SessionEntity } from './session.entity';

/** A refresh token that was exchanged for its successor: whoever shows it again has stolen it, or was stolen from. */
@Entity('used_refresh_tokens')
@Unique('used_refresh_tokens_token_hash_key', ['token_hash'])
@Index('idx_used_refresh_tokens_session', ['tenant_id', 'session_id'])
@ForeignKey(() => SessionEntity, ['tenant_id', 'session_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class UsedRefreshTokenEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  /** SHA-256 in hex. */
  @PrimaryColumn('text')
  token_hash: string;

  @Column('uuid')
  session_id: string;

  @TimestamptzNow()
  used_at: Date;
}
