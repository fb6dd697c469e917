import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Timestamptz, TimestamptzNow } from './columns';
import { ConversationEntity } from './conversation.entity';
import { MessageEntity } from './message.entity';

/** What was said in a branch of a conversation up to a message, in few words. Branches that go on from the message have it in common. */
@Entity('message_summaries')
@Index('idx_message_summaries_conversation', ['tenant_id', 'conversation_id'])
@ForeignKey(() => ConversationEntity, ['tenant_id', 'conversation_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
@ForeignKey(() => MessageEntity, ['tenant_id', 'message_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class MessageSummaryEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  /** The last message that it tells of. */
  @PrimaryColumn('uuid')
  message_id: string;

  @Column('uuid')
  conversation_id: string;

  /** Null while somebody has it written. */
  @Column('text', { nullable: true })
  content: string | null;

  /** Who has it written, and until when nobody else does. */
  @Column('uuid')
  claim_id: string;

  @Timestamptz()
  claimed_until: Date;

  @TimestamptzNow()
  created_at: Date;
}
