import { Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { ConversationEntity } from './conversation.entity';

/** A link that shows a conversation to whoever has it. */
@Entity('conversation_shares')
@Unique('conversation_shares_token_hash_key', ['token_hash'])
@Index('idx_conversation_shares_conversation', ['tenant_id', 'conversation_id', 'id'])
@ForeignKey(() => ConversationEntity, ['tenant_id', 'conversation_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class ConversationShareEntity extends TenantRow {
  @Column('uuid')
  conversation_id: string;

  /** SHA-256 in hex. */
  @Column('text')
  token_hash: string;

  @Column('uuid', { nullable: true })
  created_by: string | null;

  /** Null: it works until it is revoked. */
  @Timestamptz({ nullable: true })
  expires_at: Date | null;

  @Timestamptz({ nullable: true })
  revoked_at: Date | null;

  @TimestamptzNow()
  created_at: Date;
}
