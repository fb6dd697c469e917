import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsNumber,
  IsObject,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { ById, Nullable, Optional, Page, PageQuery, Slug, type Timestamp } from '../fields';
import { limits } from '../schema/limits';

const reasoningEfforts = ['minimal', 'low', 'medium', 'high'] as const;

/** Sampling, besides temperature and length. What a vendor does not know is left out. */
export class SamplingParameters {
  @Describe('Only the likeliest words that make up this share are chosen from.', 0.9)
  @Optional()
  @IsNumber()
  @Min(0)
  @Max(1)
  top_p?: number;

  @Describe('Texts at which the answer ends.', ['END'])
  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.stopSequences)
  @IsString({ each: true })
  @MaxLength(limits.stopSequenceCharacters, { each: true })
  stop?: string[];

  @Describe('Makes answers repeatable, where the vendor can.', 42)
  @Optional()
  @IsInt()
  @Min(Number.MIN_SAFE_INTEGER)
  @Max(Number.MAX_SAFE_INTEGER)
  seed?: number;

  @Describe('How long the model thinks before it answers.', 'low')
  @Optional()
  @IsIn(reasoningEfforts)
  reasoning_effort?: (typeof reasoningEfforts)[number];

  @Describe('False: one tool call at a time.')
  @Optional()
  @IsBoolean()
  parallel_tool_calls?: boolean;
}

/** What is tried next when the model before it fails. */
export class Fallback {
  @Describe('Id of the provider.')
  @IsUUID()
  provider_id: string;

  @Describe('Name of the model, as that provider names it.', 'gpt-5-mini')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model: string;
}

/** What may become of a message while the one before is still being answered. */
export const concurrentTurns = ['parallel', 'reject', 'interrupt', 'enqueue'] as const;
export type ConcurrentTurnsPolicy = (typeof concurrentTurns)[number];

class AgentFields {
  @Describe('What the agent is for.', 'Answers questions about invoices.')
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.agentDescriptionCharacters)
  description?: string | null;

  @Describe('Id of the provider that is asked first; absent: the active provider with the lowest priority.')
  @Optional()
  @Nullable()
  @IsUUID()
  provider_id?: string | null;

  @Describe('How freely the model chooses its words, 0 to 2; null: as the vendor has it.', 0.2)
  @Optional()
  @Nullable()
  @IsNumber()
  @Min(0)
  @Max(limits.temperature)
  temperature?: number | null;

  @Describe('How long an answer may be; null: as the vendor has it.', 1024)
  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(limits.outputTokens)
  max_output_tokens?: number | null;

  @Describe('False: nobody can run it.')
  @Optional()
  @IsBoolean()
  is_active?: boolean;

  @Describe('What is asked when the model fails, in this order.')
  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.fallbacks)
  @ValidateNested({ each: true })
  @Type(() => Fallback)
  fallbacks?: Fallback[];

  @Describe('Names of the tools that it may call.', ['create_task'])
  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.toolsOfAgent)
  @IsString({ each: true })
  @MaxLength(limits.nameCharacters, { each: true })
  tools?: string[];

  @Describe('Model calls of one run; null: 20.', 20)
  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(limits.steps)
  max_steps?: number | null;

  @Describe(
    "What a run may cost before it fails with `budget_exceeded`, in millionths of a US dollar; null: no limit of the agent's own.",
    500_000,
  )
  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(limits.runCostMicroUsd)
  max_cost_micro_usd?: number | null;

  @Describe('JSON schema that the answer must fit.', null)
  @Optional()
  @Nullable()
  @IsObject()
  output_schema?: Record<string, unknown> | null;

  @Describe(
    'Values of `{{name}}` in the system prompt, for runs that bring none of their own; null: a run must bring one.',
    { company: 'Acme' },
  )
  @Optional()
  @IsObject()
  variables?: Record<string, string | null>;

  @Describe('How the model is sampled, besides temperature and length.')
  @Optional()
  @ValidateNested()
  @Type(() => SamplingParameters)
  parameters?: SamplingParameters;

  @Describe('Whether every tool call waits for a person, whatever the tool says.', false)
  @Optional()
  @IsBoolean()
  requires_approval?: boolean;

  @Describe('Whether who started a run may not approve its tool calls: somebody else must.', false)
  @Optional()
  @IsBoolean()
  separate_approver?: boolean;

  @Describe(
    'What becomes of a message while the one before is still being answered: `parallel`: both are; `reject`: 409 `turn_in_progress`; `interrupt`: the answer before ends, and stays as far as it came; `enqueue`: it waits, `queued`, until those before it have ended, and its agent sees their answers; 429 `too_many_turns` where 20 wait.',
    'interrupt',
  )
  @Optional()
  @IsIn(concurrentTurns)
  concurrent_turns?: ConcurrentTurnsPolicy;

  @Describe(
    'Whether a conversation without a title gets one after its first answer, by a call of at most 24 tokens that is charged and in the ledger as `title`. True if absent when an agent is created.',
    true,
  )
  @Optional()
  @IsBoolean()
  automatic_titles?: boolean;

  @Describe("The model that finds titles, a cheap one; null: the agent's own, and its fallbacks.", null)
  @Optional()
  @Nullable()
  @ValidateNested()
  @Type(() => Fallback)
  title_model?: Fallback | null;
  @Describe('Messages of a conversation that it is shown at most, the new one included; the newest.', 20)
  @Optional()
  @IsInt()
  @Min(1)
  @Max(limits.contextMessages)
  context_messages?: number;

  @Describe(
    'Tokens of a conversation that it is shown at most; null: what the window of its model leaves beside the system prompt, the tools and the answer, 32,000 tokens being assumed where nobody knows it. Whole turns are left out, the oldest first.',
    null,
  )
  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(limits.contextTokens)
  context_tokens?: number | null;

  @Describe(
    'Whether what falls out of the context is summarized by its model, once for 20 messages: calls that the ledger has, too.',
    false,
  )
  @Optional()
  @IsBoolean()
  summarize?: boolean;
}

export class CreateAgent extends AgentFields {
  @Describe('Its name, for people.', 'Bookkeeper')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name: string;

  @Describe("Its name in `agent:slug`, by which OpenAI's clients ask it.", 'bookkeeper')
  @Slug()
  slug: string;

  @Describe(
    'What the model is told before all else; `{{name}}` is replaced by a variable.',
    'You keep the books of {{company}}.',
  )
  @IsString()
  @MaxLength(limits.systemPromptCharacters)
  system_prompt: string;

  @Describe('Name of the model, as its provider names it.', 'claude-sonnet-4-5')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model: string;
}

export class UpdateAgent extends AgentFields {
  @Describe('Id of the agent.')
  @IsUUID()
  id: string;

  @Describe('Its name, for people.', 'Bookkeeper')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;

  @Describe("Its name in `agent:slug`, by which OpenAI's clients ask it.", 'bookkeeper')
  @Optional()
  @Slug()
  slug?: string;

  @Describe(
    'What the model is told before all else; `{{name}}` is replaced by a variable.',
    'You keep the books of {{company}}.',
  )
  @Optional()
  @IsString()
  @MaxLength(limits.systemPromptCharacters)
  system_prompt?: string;

  @Describe('Name of the model, as its provider names it.', 'claude-sonnet-4-5')
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model?: string;
}

export class Agent {
  @Describe('Id of the agent.')
  @IsUUID()
  id: string;

  @Describe('Its name, for people.', 'Bookkeeper')
  @IsString()
  name: string;

  @Describe("Its name in `agent:slug`, by which OpenAI's clients ask it.", 'bookkeeper')
  @IsString()
  slug: string;

  @Describe('What the agent is for.', 'Answers questions about invoices.')
  @Nullable()
  @IsString()
  description: string | null;

  @Describe(
    'What the model is told before all else; `{{name}}` is replaced by a variable.',
    'You keep the books of {{company}}.',
  )
  @IsString()
  system_prompt: string;

  @Describe('Name of the model, as its provider names it.', 'claude-sonnet-4-5')
  @IsString()
  model: string;

  @Describe('Id of the provider that is asked first; null: the active provider with the lowest priority.')
  @Nullable()
  @IsUUID()
  provider_id: string | null;

  @Describe('How freely the model chooses its words, 0 to 2; null: as the vendor has it.', 0.2)
  @Nullable()
  @IsNumber()
  temperature: number | null;

  @Describe('How long an answer may be; null: as the vendor has it.', 1024)
  @Nullable()
  @IsInt()
  max_output_tokens: number | null;

  @Describe('What is asked when the model fails, in this order.')
  @ValidateNested({ each: true })
  @Type(() => Fallback)
  fallbacks: Fallback[];

  @Describe('Names of the tools that it may call.', ['create_task'])
  @IsString({ each: true })
  tools: string[];

  @Describe('Model calls of one run; null: 20.', 20)
  @Nullable()
  @IsInt()
  max_steps: number | null;

  @Describe(
    "What a run may cost before it fails with `budget_exceeded`, in millionths of a US dollar; null: no limit of the agent's own.",
    500_000,
  )
  @Nullable()
  @IsInt()
  max_cost_micro_usd: number | null;

  @Describe('JSON schema that the answer must fit.', null)
  @Nullable()
  @IsObject()
  output_schema: Record<string, unknown> | null;

  @Describe(
    'Values of `{{name}}` in the system prompt, for runs that bring none of their own; null: a run must bring one.',
    { company: 'Acme' },
  )
  @IsObject()
  variables: Record<string, string | null>;

  @Describe('How the model is sampled, besides temperature and length.')
  @ValidateNested()
  @Type(() => SamplingParameters)
  parameters: SamplingParameters;

  @Describe('Whether every tool call waits for a person, whatever the tool says.', false)
  @IsBoolean()
  requires_approval: boolean;

  @Describe('Whether who started a run may not approve its tool calls: somebody else must.', false)
  @IsBoolean()
  separate_approver: boolean;

  @Describe('What becomes of a message while the one before is still being answered.', 'interrupt')
  @IsIn(concurrentTurns)
  concurrent_turns: ConcurrentTurnsPolicy;

  @Describe('Whether a conversation without a title gets one after its first answer, by a small call of a model.', true)
  @IsBoolean()
  automatic_titles: boolean;

  @Describe("The model that finds titles; null: the agent's own, and its fallbacks.", null)
  @Nullable()
  @ValidateNested()
  @Type(() => Fallback)
  title_model: Fallback | null;
  @Describe('Messages of a conversation that it is shown at most, the new one included; the newest.', 20)
  @IsInt()
  context_messages: number;

  @Describe(
    'Tokens of a conversation that it is shown at most; null: what the window of its model leaves beside the system prompt, the tools and the answer.',
    null,
  )
  @Nullable()
  @IsInt()
  context_tokens: number | null;

  @Describe('Whether what falls out of the context is summarized by its model, once for 20 messages.', false)
  @IsBoolean()
  summarize: boolean;

  @Describe('Grows with every change; a run records the one that it used.', 3)
  @IsInt()
  version: number;

  @Describe('Whether it can be run.')
  @IsBoolean()
  is_active: boolean;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was last changed.')
  @IsISO8601()
  updated_at: Timestamp;
}

export const agentContract = contract('orchestrator.agent', {
  create: {
    summary: 'Create an agent',
    description:
      'Answers `slug_taken` (409) for a slug in use, and `validation_failed` (400) for providers and tools that do not exist, and for an output schema that cannot be used.',
    http: 'POST /v1/agents',
    access: 'agents:create',
    input: CreateAgent,
    output: Agent,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List agents, newest first',
    description: 'Inactive agents are among them.',
    http: 'GET /v1/agents',
    access: 'agents:read',
    input: PageQuery,
    output: Page(Agent),
    effect: 'safe',
  },
  get: {
    summary: 'Read an agent',
    description: 'Answers `not_found` (404) for an agent of another tenant, too.',
    http: 'GET /v1/agents/:id',
    access: 'agents:read',
    input: ById,
    output: Agent,
    effect: 'safe',
  },
  update: {
    summary: 'Change an agent; its version grows',
    description:
      'Fields that are absent stay. Runs that have begun go on as they began. Answers `slug_taken` (409) for a slug in use, and `validation_failed` (400) for providers and tools that do not exist.',
    http: 'PATCH /v1/agents/:id',
    access: 'agents:update',
    input: UpdateAgent,
    output: Agent,
    effect: 'once',
  },
  remove: {
    summary: 'Delete an agent that has neither runs nor conversations',
    description: 'Answers `conflict` (409) for an agent with runs or conversations: deactivate it instead.',
    http: 'DELETE /v1/agents/:id',
    access: 'agents:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
