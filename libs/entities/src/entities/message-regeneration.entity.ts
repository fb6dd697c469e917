import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { TimestamptzNow } from './columns';
import { ConversationEntity } from './conversation.entity';
import { MessageEntity } from './message.entity';

/** A run that answers a message once more. The first one is in the message itself. */
@Entity('message_regenerations')
@Index('idx_message_regenerations_conversation', ['tenant_id', 'conversation_id', 'run_id'])
@ForeignKey(() => ConversationEntity, ['tenant_id', 'conversation_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
@ForeignKey(() => MessageEntity, ['tenant_id', 'message_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class MessageRegenerationEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryColumn('uuid')
  run_id: string;

  @Column('uuid')
  conversation_id: string;

  /** What a user had said. */
  @Column('uuid')
  message_id: string;

  @TimestamptzNow()
  created_at: Date;
}
