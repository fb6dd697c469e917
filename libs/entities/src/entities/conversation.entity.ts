import { Column, Entity, ForeignKey, Index } from 'typeorm';
import { AgentEntity } from './agent.entity';
import { type JsonObject, TenantRow, Timestamptz, TimestamptzNow } from './columns';
import { TenantEntity } from './tenant.entity';

@Entity('conversations')
@Index('idx_conversations_search', ['search'], { type: 'gin' })
@Index('idx_conversations_agent', ['tenant_id', 'agent_id'])
@Index('idx_conversations_deleted', ['tenant_id', 'deleted_at'], { where: 'deleted_at is not null' })
@ForeignKey(() => TenantEntity, ['tenant_id'], ['id'])
@ForeignKey(() => AgentEntity, ['tenant_id', 'agent_id'], ['tenant_id', 'id'])
export class ConversationEntity extends TenantRow {
  @Column('uuid')
  agent_id: string;

  @Column('text', { nullable: true })
  title: string | null;

  @Column('uuid', { nullable: true })
  user_id: string | null;

  /** What clients noted with it. */
  @Column('jsonb', { default: {} })
  metadata: JsonObject;

  @TimestamptzNow()
  created_at: Date;

  @TimestamptzNow()
  updated_at: Date;

  /** The words of its title, each with a mark of its tenant. A trigger sets it. */
  @Column('tsvector', { nullable: true, select: false })
  search: string | null;

  @Timestamptz({ nullable: true })
  archived_at: Date | null;

  @Timestamptz({ nullable: true })
  last_message_at: Date | null;

  /** When a title was last asked for; null once the question has come to nothing. */
  @Timestamptz({ nullable: true })
  title_asked_at: Date | null;

  /** Since when it waits to be restored, or to go for good: nobody sees it. */
  @Timestamptz({ nullable: true })
  deleted_at: Date | null;
}
