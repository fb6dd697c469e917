import { runStatuses, type RunStatus, type TokenUsage } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { AgentEntity } from './agent.entity';
import { BigIntColumn, type JsonObject, oneOf, TenantRow, Timestamptz, TimestamptzNow } from './columns';

/** A message as the model gets it. */
interface RunMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
}

@Entity('agent_runs')
@Index('idx_agent_runs_agent', ['tenant_id', 'agent_id', 'id'])
@Index('idx_agent_runs_user', ['tenant_id', 'user_id', 'agent_id', 'id'], { where: 'conversation_id is null' })
@Index('idx_agent_runs_conversation', ['tenant_id', 'conversation_id', 'id'], { where: 'conversation_id is not null' })
@Index('idx_agent_runs_turn', ['tenant_id', 'conversation_id', 'turn'], {
  where: "conversation_id is not null and status in ('queued', 'running', 'waiting_approval')",
})
@Index('idx_agent_runs_active', ['tenant_id', 'id'], { where: "status in ('queued', 'running', 'waiting_approval')" })
@Index('idx_agent_runs_turns', ['tenant_id', 'lease_until', 'created_at'], { where: "status in ('queued', 'running')" })
@Index('idx_agent_runs_waiting', ['deadline_at'], { where: "status = 'waiting_approval'" })
@Check('agent_runs_status_check', oneOf('status', runStatuses))
@ForeignKey(() => AgentEntity, ['tenant_id', 'agent_id'], ['tenant_id', 'id'])
export class AgentRunEntity extends TenantRow {
  @Column('uuid')
  agent_id: string;

  /** The agent's version that the run uses to its end. */
  @Column('integer')
  agent_version: number;

  @Column('uuid', { nullable: true })
  conversation_id: string | null;

  @Column('uuid', { nullable: true })
  user_id: string | null;

  @Column('text', { default: 'queued' })
  status: RunStatus;

  /** The messages sent to the model, oldest first. */
  @Column('jsonb')
  input: RunMessage[];

  @Column('text', { nullable: true })
  output: string | null;

  @Column('text', { nullable: true })
  error_code: string | null;

  @Column('text', { nullable: true })
  error_detail: string | null;

  /** Its place among the turns of its conversation that wait for those before them; null: it waits for none, or has begun. */
  @Column('integer', { nullable: true })
  turn: number | null;

  /** Steps that are finished: where another replica takes the run up. */
  @Column('integer', { default: 0 })
  step: number;

  /** What the executor needs to go on after `step`. */
  @Column('jsonb', { default: {} })
  state: JsonObject;

  @Column('jsonb', { nullable: true })
  usage: TokenUsage | null;

  /** Null: nothing was spent, or no price is known. */
  @BigIntColumn({ nullable: true })
  cost_micro_usd: number | null;

  /** The metadata that the caller gave. */
  @Column('jsonb', { default: {} })
  metadata: JsonObject;

  /** Number of the newest event in the run's log. */
  @Column('integer', { default: 0 })
  last_event_id: number;

  /** The replica that executes the run. */
  @Column('text', { nullable: true })
  lease_owner: string | null;

  /** From then on another replica may take the run up. */
  @Timestamptz({ nullable: true })
  lease_until: Date | null;

  @Timestamptz({ nullable: true })
  cancel_requested_at: Date | null;

  @Timestamptz({ nullable: true })
  deadline_at: Date | null;

  @TimestamptzNow()
  created_at: Date;

  @Timestamptz({ nullable: true })
  started_at: Date | null;

  @Timestamptz({ nullable: true })
  finished_at: Date | null;
}
