import type { ConcurrentTurnsPolicy, SamplingParameters, Fallback, StopReason, TokenUsage } from '@taai/contracts';
import type { AgentRunEntity } from '@taai/entities';
import type { JsonObject } from '@taai/providers';
import type { SaidMessage } from '../file/stored-file';

/** A run takes this from its agent and its caller at the start, so that later changes do not reach it. */
export interface RunState {
  provider_id: string;
  model: string;
  temperature: number | null;
  max_output_tokens: number | null;
  api_key_id: string | null;
  // From here on absent in what an older release has started.
  fallbacks?: Fallback[];
  parameters?: SamplingParameters;
  /** Names. */
  tools?: string[];
  max_steps?: number;
  max_cost_micro_usd?: number | null;
  output_schema?: JsonObject | null;
  requires_approval?: boolean;
  separate_approver?: boolean;
  /** Of a run in a conversation: how many of the messages that it was given its model is shown. */
  shown_messages?: number;
  concurrent_turns?: ConcurrentTurnsPolicy;
  context_tokens?: number | null;
  /** The provider call under way. */
  call_id?: string;
  /** Milliseconds that the run had left when it began to wait for an approval. */
  remaining_ms?: number;
  /** Why the model stopped that answered last; written at the run's end. */
  stop_reason?: StopReason | null;
}

export type RunRow = Omit<AgentRunEntity, 'state' | 'input'> & { state: RunState; input: SaidMessage[] };

export type NewRun = Pick<
  RunRow,
  'id' | 'agent_id' | 'agent_version' | 'conversation_id' | 'user_id' | 'input' | 'metadata' | 'state' | 'turn'
>;

/** A row of the ledger. */
export type LedgeredAttempt = TokenUsage & {
  call_id: string;
  step: number | null;
  provider_id: string | null;
  model: string;
  occurred_at: Date;
  latency_ms: number | null;
  error_code: string | null;
};

/** Who executes a run, for how long without a sign of life. */
export interface Lease {
  owner: string;
  seconds: number;
}

/** Named, because a prepared `select *` fails on every replica once a migration has added a column. */
export const RUN_COLUMNS = `tenant_id, id, agent_id, agent_version, conversation_id, user_id, status, input, output, error_code,
  error_detail, turn, step, state, usage, cost_micro_usd, metadata, last_event_id, lease_owner, lease_until,
  cancel_requested_at, deadline_at, created_at, started_at, finished_at`;
