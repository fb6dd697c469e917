import type { TokenUsage, UsageStatus } from './usage.contract';

/** Tokens of one call in disjoint buckets; null: the provider did not say. */
export type TokenBuckets = Omit<TokenUsage, 'cost_micro_usd' | 'is_estimated'>;

/** A provider call that is about to be made. Ids of what it is made for may be absent. */
export interface OpenCall {
  /** UUIDv7: it tells when the call was made. */
  call_id: string;
  /** `chat`, `embedding`, … */
  kind: string;
  provider_id: string | null;
  provider_kind: string;
  model: string;
  agent_id?: string | null;
  run_id?: string | null;
  /** Of the run: 1, 2, … */
  step?: number | null;
  user_id?: string | null;
  api_key_id?: string | null;
  conversation_id?: string | null;
  /** A guess at the prompt: what the call is accounted for when nobody ever says how it ended. */
  input_tokens?: number | null;
}

/** What became of it. */
export interface CallOutcome extends TokenBuckets {
  /** `estimated`: given up by a sweep, because nobody closed it. */
  status: Exclude<UsageStatus, 'open'>;
  /** Whether tokens were counted by us. */
  is_estimated: boolean;
  error_code: string | null;
  latency_ms: number | null;
}

/** An outcome that names its call. */
export interface CloseCall extends CallOutcome {
  call_id: string;
}

/** What the ledger's stream carries: that a call is being made, or what became of it. */
export interface LedgerEntry {
  tenant_id: string;
  call: OpenCall;
  outcome: CallOutcome | null;
}
