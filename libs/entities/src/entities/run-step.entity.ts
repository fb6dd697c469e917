import type { StoredToolCall, TokenUsage } from '@taai/contracts';
import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { AgentRunEntity } from './agent-run.entity';
import { TimestamptzNow } from './columns';

/** What a model answered in one step of a run: where another replica takes the run up. */
@Entity('run_steps')
@ForeignKey(() => AgentRunEntity, ['tenant_id', 'run_id'], ['tenant_id', 'id'], { onDelete: 'CASCADE' })
export class RunStepEntity {
  @PrimaryColumn('uuid')
  tenant_id: string;

  @PrimaryColumn('uuid')
  run_id: string;

  /** 1, 2, … */
  @PrimaryColumn('integer')
  step: number;

  @Column('text')
  output: string;

  @Column('jsonb', { default: [] })
  tool_calls: StoredToolCall[];

  /** The tokens of the run up to and with this step; null when nobody told them. */
  @Column('jsonb', { nullable: true })
  usage: TokenUsage | null;

  /** The number of the last event before the step's tool calls in the run's log. */
  @Column('integer')
  last_event_id: number;

  @TimestamptzNow()
  created_at: Date;
}
