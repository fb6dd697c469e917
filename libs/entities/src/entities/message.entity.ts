import { messageRoles, type Attachment, type MessageRole } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { oneOf, TenantRow, TimestamptzNow } from './columns';
import { ConversationEntity } from './conversation.entity';

@Entity('messages')
@Index('idx_messages_conversation', ['tenant_id', 'conversation_id', 'id'])
@Index('idx_messages_search', ['search'], { type: 'gin' })
@Index('idx_messages_parent', ['tenant_id', 'parent_message_id'])
@Index('idx_messages_question', ['tenant_id', 'run_id'], { where: "role = 'user'" })
@Index('messages_answer_key', ['tenant_id', 'run_id'], { unique: true, where: "role = 'assistant'" })
@Check('messages_role_check', oneOf('role', messageRoles))
@ForeignKey(() => ConversationEntity, ['tenant_id', 'conversation_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
@ForeignKey(() => MessageEntity, ['tenant_id', 'parent_message_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class MessageEntity extends TenantRow {
  @Column('uuid')
  conversation_id: string;

  /** What it goes on from; null for a first message. A trigger takes the newest one where none is given. */
  @Column('uuid', { nullable: true })
  parent_message_id: string | null;

  @Column('text')
  role: MessageRole;

  @Column('text')
  content: string;

  /** As they were when the message was written: a file can be deleted since. */
  @Column('jsonb', { default: [] })
  attachments: Attachment[];

  /** The run that answers the message, or that wrote it. No foreign key: runs are another service's. */
  @Column('uuid', { nullable: true })
  run_id: string | null;

  @Column('uuid', { nullable: true })
  user_id: string | null;

  @TimestamptzNow()
  created_at: Date;

  /** Its words, each with a mark of its tenant. A trigger sets it. */
  @Column('tsvector', { nullable: true, select: false })
  search: string | null;
}
