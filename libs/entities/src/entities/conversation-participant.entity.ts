import { conversationRoles, type ConversationRole } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { oneOf, Timestamptz, TimestamptzNow } from './columns';
import { ConversationEntity } from './conversation.entity';
import { UserEntity } from './user.entity';

/** Who sees a conversation, and the runs in it. A trigger on `conversations` adds who opened it. */
@Entity('conversation_participants')
@Index('idx_conversation_participants_user', ['tenant_id', 'user_id', 'conversation_id'])
@Check('conversation_participants_role_check', oneOf('role', conversationRoles))
@ForeignKey(() => ConversationEntity, ['tenant_id', 'conversation_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
@ForeignKey(() => UserEntity, ['tenant_id', 'user_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class ConversationParticipantEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryColumn('uuid')
  conversation_id: string;

  @PrimaryColumn('uuid')
  user_id: string;

  @Column('text')
  role: ConversationRole;

  @TimestamptzNow()
  created_at: Date;

  /** Since when the user has it at the top. */
  @Timestamptz({ nullable: true })
  pinned_at: Date | null;
}
