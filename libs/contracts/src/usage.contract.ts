import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsISO8601, IsString, IsUUID, ValidateNested } from 'class-validator';
import { contract } from './contract';
import { Nullable, Optional, Page, PageQuery, type Timestamp } from './fields';

const usageGroups = ['day', 'provider', 'model', 'agent', 'user'] as const;
export type UsageGroup = (typeof usageGroups)[number];

export const usageStatuses = ['open', 'closed', 'estimated'] as const;
export type UsageStatus = (typeof usageStatuses)[number];

export class UsageQuery {
  /** Inclusive; 30 days before `to` if absent. */
  @Optional()
  @IsISO8601({ strict: true })
  from?: string;

  /** Exclusive; now if absent. */
  @Optional()
  @IsISO8601({ strict: true })
  to?: string;

  @Optional()
  @IsIn(usageGroups)
  group_by?: UsageGroup;
}

/** Tokens of a run or call in disjoint buckets whose sum is the provider's total. Null: the provider did not say. */
export class TokenUsage {
  @Nullable()
  @IsInt()
  input_tokens: number | null;

  @Nullable()
  @IsInt()
  cache_read_tokens: number | null;

  @Nullable()
  @IsInt()
  cache_write_tokens: number | null;

  @Nullable()
  @IsInt()
  output_tokens: number | null;

  @Nullable()
  @IsInt()
  reasoning_tokens: number | null;

  /** Null: no price is known for the model. */
  @Nullable()
  @IsInt()
  cost_micro_usd: number | null;

  /** Whether the buckets were counted by us, because the provider sent none. */
  @IsBoolean()
  is_estimated: boolean;
}

/** Sums over provider calls. */
export class UsageTotals {
  @IsInt()
  calls: number;

  @IsInt()
  input_tokens: number;

  @IsInt()
  cache_read_tokens: number;

  @IsInt()
  cache_write_tokens: number;

  @IsInt()
  output_tokens: number;

  @IsInt()
  reasoning_tokens: number;

  @IsInt()
  cost_micro_usd: number;

  /** Calls of models without a known price: they are not in the cost. */
  @IsInt()
  unpriced_calls: number;

  /** Calls whose tokens were counted by us, because the provider sent none. */
  @IsInt()
  estimated_calls: number;
}

export class UsageGroupTotals extends UsageTotals {
  /** The day (`2026-01-31`, UTC), provider id, model, agent id or user id; null for calls without one. */
  @Nullable()
  @IsString()
  key: string | null;
}

export class UsageSummary {
  @IsISO8601()
  from: Timestamp;

  @IsISO8601()
  to: Timestamp;

  @ValidateNested()
  @Type(() => UsageTotals)
  totals: UsageTotals;

  /** Empty without `group_by`; at most 1,000, dearest first, days in order. */
  @ValidateNested({ each: true })
  @Type(() => UsageGroupTotals)
  groups: UsageGroupTotals[];
}

export class ListUsageRecords extends PageQuery {
  @Optional()
  @IsUUID()
  run_id?: string;

  @Optional()
  @IsUUID()
  agent_id?: string;
}

export class UsageRecord extends TokenUsage {
  @IsUUID()
  call_id: string;

  @IsISO8601()
  occurred_at: Timestamp;

  @IsIn(usageStatuses)
  status: string;

  @IsString()
  kind: string;

  @Nullable()
  @IsUUID()
  provider_id: string | null;

  @IsString()
  provider_kind: string;

  @IsString()
  model: string;

  @Nullable()
  @IsUUID()
  agent_id: string | null;

  @Nullable()
  @IsUUID()
  run_id: string | null;

  @Nullable()
  @IsUUID()
  user_id: string | null;

  @Nullable()
  @IsString()
  error_code: string | null;

  @Nullable()
  @IsInt()
  latency_ms: number | null;
}

export const usageContract = contract('usage', {
  summary: {
    summary: 'Sum tokens and cost over a time, in all and by group',
    http: 'GET /v1/usage/summary',
    access: 'usage:read',
    input: UsageQuery,
    output: UsageSummary,
    effect: 'safe',
  },
  records: {
    summary: 'List provider calls, newest first',
    http: 'GET /v1/usage/records',
    access: 'usage:read',
    input: ListUsageRecords,
    output: Page(UsageRecord),
    effect: 'safe',
  },
});
