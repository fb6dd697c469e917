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
import { ById, Nullable, Optional, Page, PageQuery, Slug, type Timestamp } from '../fields';
import { limits } from '../limits';

const reasoningEfforts = ['minimal', 'low', 'medium', 'high'] as const;

/** Sampling, besides temperature and length. What a vendor does not know is left out. */
export class AgentParameters {
  @Optional()
  @IsNumber()
  @Min(0)
  @Max(1)
  top_p?: number;

  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.stopSequences)
  @IsString({ each: true })
  @MaxLength(limits.stopSequenceCharacters, { each: true })
  stop?: string[];

  @Optional()
  @IsInt()
  seed?: number;

  @Optional()
  @IsIn(reasoningEfforts)
  reasoning_effort?: (typeof reasoningEfforts)[number];

  /** False: one tool call at a time. */
  @Optional()
  @IsBoolean()
  parallel_tool_calls?: boolean;
}

/** What is tried next when the model before it fails. */
export class Fallback {
  @IsUUID()
  provider_id: string;

  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model: string;
}

class AgentFields {
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(limits.agentDescriptionCharacters)
  description?: string | null;

  /** Absent: the active provider with the lowest priority. */
  @Optional()
  @Nullable()
  @IsUUID()
  provider_id?: string | null;

  @Optional()
  @Nullable()
  @IsNumber()
  @Min(0)
  @Max(limits.temperature)
  temperature?: number | null;

  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(limits.outputTokens)
  max_output_tokens?: number | null;

  @Optional()
  @IsBoolean()
  is_active?: boolean;

  /** Tried in this order. */
  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.fallbacks)
  @ValidateNested({ each: true })
  @Type(() => Fallback)
  fallbacks?: Fallback[];

  /** Names of tools. */
  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.toolsOfAgent)
  @IsString({ each: true })
  tools?: string[];

  /** Model calls of one run; null: 20. */
  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(limits.steps)
  max_steps?: number | null;

  /** What a run may cost before it fails with `budget_exceeded`; null: no limit of the agent's own. */
  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  max_cost_micro_usd?: number | null;

  /** JSON schema that the answer must fit. */
  @Optional()
  @Nullable()
  @IsObject()
  output_schema?: Record<string, unknown> | null;

  /** Values of `{{name}}` in the system prompt, for runs that bring none of their own; null: a run must bring one. */
  @Optional()
  @IsObject()
  variables?: Record<string, string | null>;

  @Optional()
  @ValidateNested()
  @Type(() => AgentParameters)
  parameters?: AgentParameters;

  /** Whether every tool call waits for a person, whatever the tool says. */
  @Optional()
  @IsBoolean()
  requires_approval?: boolean;
}

export class CreateAgent extends AgentFields {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name: string;

  @Slug()
  slug: string;

  @IsString()
  @MaxLength(limits.systemPromptCharacters)
  system_prompt: string;

  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model: string;
}

export class UpdateAgent extends AgentFields {
  @IsUUID()
  id: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.nameCharacters)
  name?: string;

  @Optional()
  @Slug()
  slug?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.systemPromptCharacters)
  system_prompt?: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model?: string;
}

export class Agent {
  @IsUUID()
  id: string;

  @IsString()
  name: string;

  @IsString()
  slug: string;

  @Nullable()
  @IsString()
  description: string | null;

  @IsString()
  system_prompt: string;

  @IsString()
  model: string;

  @Nullable()
  @IsUUID()
  provider_id: string | null;

  @Nullable()
  @IsNumber()
  temperature: number | null;

  @Nullable()
  @IsInt()
  max_output_tokens: number | null;

  @ValidateNested({ each: true })
  @Type(() => Fallback)
  fallbacks: Fallback[];

  @IsString({ each: true })
  tools: string[];

  @Nullable()
  @IsInt()
  max_steps: number | null;

  @Nullable()
  @IsInt()
  max_cost_micro_usd: number | null;

  @Nullable()
  @IsObject()
  output_schema: Record<string, unknown> | null;

  @IsObject()
  variables: Record<string, string | null>;

  @ValidateNested()
  @Type(() => AgentParameters)
  parameters: AgentParameters;

  @IsBoolean()
  requires_approval: boolean;

  /** Grows with every change; a run records the one it used. */
  @IsInt()
  version: number;

  @IsBoolean()
  is_active: boolean;

  @IsISO8601()
  created_at: Timestamp;

  @IsISO8601()
  updated_at: Timestamp;
}

export const agentContract = contract('orchestrator.agent', {
  create: {
    summary: 'Create an agent',
    http: 'POST /v1/agents',
    access: 'agents:create',
    input: CreateAgent,
    output: Agent,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List agents, newest first',
    http: 'GET /v1/agents',
    access: 'agents:read',
    input: PageQuery,
    output: Page(Agent),
    effect: 'safe',
  },
  get: {
    summary: 'Read an agent',
    http: 'GET /v1/agents/:id',
    access: 'agents:read',
    input: ById,
    output: Agent,
    effect: 'safe',
  },
  update: {
    summary: 'Change an agent; its version grows',
    http: 'PATCH /v1/agents/:id',
    access: 'agents:update',
    input: UpdateAgent,
    output: Agent,
    effect: 'once',
  },
  remove: {
    summary: 'Delete an agent that has neither runs nor conversations',
    http: 'DELETE /v1/agents/:id',
    access: 'agents:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
