import { Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { ConversationEntity } from './conversation.entity';
import { FileEntity } from './file.entity';

/** A file that a message of the conversation has: who sees the conversation may read it. */
@Entity('conversation_files')
@Index('idx_conversation_files_conversation', ['tenant_id', 'conversation_id'])
@ForeignKey(() => FileEntity, ['tenant_id', 'file_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
@ForeignKey(() => ConversationEntity, ['tenant_id', 'conversation_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class ConversationFileEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryColumn('uuid')
  file_id: string;

  @PrimaryColumn('uuid')
  conversation_id: string;
}
