import { conversationRoles, type ConversationRole } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { oneOf, Timestamptz, TimestamptzNow } from './columns';
import { ConversationEntity } from './conversation.entity';
import { UserEntity } from './user.entity';

/** Who took part in a conversation that was deleted, until it is restored or gone for good. */
@Entity('deleted_participants')
@Index('idx_deleted_participants_user', ['tenant_id', 'user_id', 'conversation_id'])
@Check('deleted_participants_role_check', oneOf('role', conversationRoles))
@ForeignKey(() => ConversationEntity, ['tenant_id', 'conversation_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
@ForeignKey(() => UserEntity, ['tenant_id', 'user_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class DeletedParticipantEntity {
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

  @Timestamptz({ nullable: true })
  pinned_at: Date | null;
}
