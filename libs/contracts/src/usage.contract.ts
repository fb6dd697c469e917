import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsISO8601, IsString, IsUUID, ValidateNested } from 'class-validator';
import { contract } from './contract';
import { Describe } from './schema/describe';
import { Nullable, Optional, Page, PageQuery, type Timestamp } from './fields';

const usageGroups = ['day', 'provider', 'model', 'agent', 'user'] as const;
export type UsageGroup = (typeof usageGroups)[number];

export const usageStatuses = ['open', 'closed', 'estimated'] as const;
export type UsageStatus = (typeof usageStatuses)[number];

export class UsageQuery {
  @Describe('Beginning of the time, inclusive; 30 days before `to` if absent.', '2026-01-01T00:00:00Z')
  @Optional()
  @IsISO8601({ strict: true })
  from?: string;

  @Describe('End of the time, exclusive; now if absent.', '2026-02-01T00:00:00Z')
  @Optional()
  @IsISO8601({ strict: true })
  to?: string;

  @Describe('What to sum by, besides in all; no groups if absent.')
  @Optional()
  @IsIn(usageGroups)
  group_by?: UsageGroup;
}

/** Tokens of a run or call in disjoint buckets whose sum is the provider's total. Null: the provider did not say. */
export class TokenUsage {
  @Describe('Tokens of the prompt that no cache had; null: the provider did not say.', 412)
  @Nullable()
  @IsInt()
  input_tokens: number | null;

  @Describe("Tokens of the prompt that were read from the provider's cache.", 0)
  @Nullable()
  @IsInt()
  cache_read_tokens: number | null;

  @Describe("Tokens of the prompt that were written to the provider's cache.", 0)
  @Nullable()
  @IsInt()
  cache_write_tokens: number | null;

  @Describe('Tokens of the answer.', 96)
  @Nullable()
  @IsInt()
  output_tokens: number | null;

  @Describe('Tokens that the model thought before it answered.', 0)
  @Nullable()
  @IsInt()
  reasoning_tokens: number | null;

  @Describe('What it cost, in millionths of a US dollar; null: no price is known for the model.', 2676)
  @Nullable()
  @IsInt()
  cost_micro_usd: number | null;

  @Describe('Whether the tokens were counted by us, because the provider sent no counts.', false)
  @IsBoolean()
  is_estimated: boolean;
}

/** Sums over provider calls. */
export class UsageTotals {
  @Describe('Calls of providers.', 12)
  @IsInt()
  calls: number;

  @Describe('Tokens of prompts that no cache had.', 4944)
  @IsInt()
  input_tokens: number;

  @Describe("Tokens of prompts that were read from providers' caches.", 0)
  @IsInt()
  cache_read_tokens: number;

  @Describe("Tokens of prompts that were written to providers' caches.", 0)
  @IsInt()
  cache_write_tokens: number;

  @Describe('Tokens of answers.', 1152)
  @IsInt()
  output_tokens: number;

  @Describe('Tokens that models thought before they answered.', 0)
  @IsInt()
  reasoning_tokens: number;

  @Describe('What the calls cost, in millionths of a US dollar.', 32112)
  @IsInt()
  cost_micro_usd: number;

  @Describe('Calls of models without a known price: they are not in the cost.', 0)
  @IsInt()
  unpriced_calls: number;

  @Describe('Calls whose tokens were counted by us, because the provider sent no counts.', 0)
  @IsInt()
  estimated_calls: number;
}

export class UsageGroupTotals extends UsageTotals {
  @Describe(
    'The day (`2026-01-31`, UTC), provider id, model, agent id or user id; null for calls without one.',
    '2026-01-31',
  )
  @Nullable()
  @IsString()
  key: string | null;
}

export class UsageSummary {
  @Describe('Beginning of the time, inclusive.')
  @IsISO8601()
  from: Timestamp;

  @Describe('End of the time, exclusive.')
  @IsISO8601()
  to: Timestamp;

  @Describe('The sums over all calls.')
  @ValidateNested()
  @Type(() => UsageTotals)
  totals: UsageTotals;

  @Describe('The sums by group: at most 1,000, dearest first, days in order; empty without `group_by`.')
  @ValidateNested({ each: true })
  @Type(() => UsageGroupTotals)
  groups: UsageGroupTotals[];
}

export class ListUsageRecords extends PageQuery {
  @Describe('Only calls of this run.')
  @Optional()
  @IsUUID()
  run_id?: string;

  @Describe('Only calls of this agent.')
  @Optional()
  @IsUUID()
  agent_id?: string;
}

export class UsageRecord extends TokenUsage {
  @Describe("Id of the call, the ledger's key.")
  @IsUUID()
  call_id: string;

  @Describe('When the call was made.')
  @IsISO8601()
  occurred_at: Timestamp;

  @Describe(
    '`open`: under way; `closed`: counted; `estimated`: nobody said how it ended, so its guess was booked.',
    'closed',
  )
  @IsIn(usageStatuses)
  status: string;

  @Describe('What was asked for: `chat`, `embedding`, …', 'chat')
  @IsString()
  kind: string;

  @Describe('Id of the provider; null when it is gone.')
  @Nullable()
  @IsUUID()
  provider_id: string | null;

  @Describe('Kind of the provider.', 'anthropic')
  @IsString()
  provider_kind: string;

  @Describe('Name of the model.', 'claude-sonnet-4-5')
  @IsString()
  model: string;

  @Describe('Id of the agent that asked.')
  @Nullable()
  @IsUUID()
  agent_id: string | null;

  @Describe('Id of the run that asked.')
  @Nullable()
  @IsUUID()
  run_id: string | null;

  @Describe('Id of the user on whose behalf it was asked.')
  @Nullable()
  @IsUUID()
  user_id: string | null;

  @Describe('Why the call failed; null when it did not.', null)
  @Nullable()
  @IsString()
  error_code: string | null;

  @Describe('How long the call took, in milliseconds.', 1840)
  @Nullable()
  @IsInt()
  latency_ms: number | null;
}

export const usageContract = contract('usage', {
  summary: {
    summary: 'Sum tokens and cost over a time, in all and by group',
    description:
      'A call counts at the time at which it was made. Answers `validation_failed` (400) for a time that ends before it begins.',
    http: 'GET /v1/usage/summary',
    access: 'usage:read',
    input: UsageQuery,
    output: UsageSummary,
    effect: 'safe',
  },
  records: {
    summary: 'List provider calls, newest first',
    description: 'One row per call of a provider, retries and fallbacks among them.',
    http: 'GET /v1/usage/records',
    access: 'usage:read',
    input: ListUsageRecords,
    output: Page(UsageRecord),
    effect: 'safe',
  },
});
