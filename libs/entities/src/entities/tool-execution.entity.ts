import { toolExecutionStatuses, type ToolExecutionStatus } from '@taai/contracts';
import { Check, Column, Entity, ForeignKey, Index, Unique } from 'typeorm';
import { AgentRunEntity } from './agent-run.entity';
import { oneOf, TenantRow, Timestamptz, TimestamptzNow } from './columns';

@Entity('tool_executions')
@Unique('tool_executions_call_key', ['tenant_id', 'run_id', 'tool_call_id'])
@Index('idx_tool_executions_tool', ['tenant_id', 'tool_id', 'id'])
@Check('tool_executions_status_check', oneOf('status', toolExecutionStatuses))
@ForeignKey(() => AgentRunEntity, ['tenant_id', 'run_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class ToolExecutionEntity extends TenantRow {
  @Column('uuid')
  run_id: string;

  /** No foreign key: the log outlives the tool. Null: there is no such tool. */
  @Column('uuid', { nullable: true })
  tool_id: string | null;

  @Column('text')
  tool_name: string;

  /** The model's name for the call; with the run it is the key that keeps a call from being executed twice. */
  @Column('text')
  tool_call_id: string;

  @Column('integer')
  step: number;

  /** Place among the calls of its step, from 0. */
  @Column('integer', { default: 0 })
  position: number;

  /** JSON; a string where the model wrote none. */
  @Column('jsonb')
  arguments: unknown;

  @Column('text', { default: 'pending' })
  status: ToolExecutionStatus;

  @Column('jsonb', { nullable: true })
  result: unknown;

  @Column('text', { nullable: true })
  error_code: string | null;

  @Column('text', { nullable: true })
  error_detail: string | null;

  /** Numbers of its events in the run's log. */
  @Column('integer', { nullable: true })
  call_event_id: number | null;

  @Column('integer', { nullable: true })
  approval_event_id: number | null;

  @Column('integer', { nullable: true })
  result_event_id: number | null;

  /** Whether who started the run may not approve it. */
  @Column('boolean', { default: false })
  separate_approver: boolean;

  /** Who approved or rejected the call. */
  @Column('uuid', { nullable: true })
  decided_by: string | null;

  @Timestamptz({ nullable: true })
  decided_at: Date | null;

  @TimestamptzNow()
  created_at: Date;

  @Timestamptz({ nullable: true })
  started_at: Date | null;

  @Timestamptz({ nullable: true })
  finished_at: Date | null;
}
