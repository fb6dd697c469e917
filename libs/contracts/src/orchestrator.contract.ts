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
import { contract, Nothing } from './contract';
import { ById, HttpUrl, Nullable, Optional, Page, PageById, PageQuery, Slug, type Timestamp } from './fields';
import { TokenUsage } from './usage.contract';

export const providerKinds = ['openai', 'anthropic', 'google', 'groq', 'ollama'] as const;
export type ProviderKind = (typeof providerKinds)[number];

export const runStatuses = ['queued', 'running', 'waiting_approval', 'completed', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

const endings: ReadonlySet<string> = new Set<RunStatus>(['completed', 'failed', 'cancelled']);

/** Whether a run stays as it is. */
export const hasEnded = ({ status }: Pick<Run, 'status'>): boolean => endings.has(status);

class ProviderFields {
  @Optional()
  @Nullable()
  @HttpUrl()
  base_url?: string | null;

  /** Lower is tried first. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(1000)
  priority?: number;

  @Optional()
  @IsBoolean()
  is_active?: boolean;

  @Optional()
  @IsObject()
  settings?: Record<string, unknown>;
}

export class CreateProvider extends ProviderFields {
  /** Names the provider in `provider/model`. */
  @Slug()
  name: string;

  @IsIn(providerKinds)
  kind: ProviderKind;
}

export class UpdateProvider extends ProviderFields {
  @IsUUID()
  id: string;

  @Optional()
  @Slug()
  name?: string;
}

export class PutCredentials extends ById {
  @IsString()
  @MinLength(1)
  @MaxLength(4096)
  api_key: string;
}

export class Provider {
  @IsUUID()
  id: string;

  @IsString()
  name: string;

  @IsIn(providerKinds)
  kind: string;

  @Nullable()
  @IsString()
  base_url: string | null;

  @IsInt()
  priority: number;

  @IsBoolean()
  is_active: boolean;

  @IsObject()
  settings: Record<string, unknown>;

  /** Whether credentials are stored; they are never shown. */
  @IsBoolean()
  has_credentials: boolean;

  @IsISO8601()
  created_at: Timestamp;

  @IsISO8601()
  updated_at: Timestamp;
}

class AgentFields {
  @Optional()
  @Nullable()
  @IsString()
  @MaxLength(2000)
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
  @Max(2)
  temperature?: number | null;

  @Optional()
  @Nullable()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  max_output_tokens?: number | null;

  @Optional()
  @IsBoolean()
  is_active?: boolean;
}

export class CreateAgent extends AgentFields {
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  name: string;

  @Slug()
  slug: string;

  @IsString()
  @MaxLength(100_000)
  system_prompt: string;

  @IsString()
  @MinLength(1)
  @MaxLength(200)
  model: string;
}

export class UpdateAgent extends AgentFields {
  @IsUUID()
  id: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  name?: string;

  @Optional()
  @Slug()
  slug?: string;

  @Optional()
  @IsString()
  @MaxLength(100_000)
  system_prompt?: string;

  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
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

export class Run {
  @IsUUID()
  id: string;

  @IsUUID()
  agent_id: string;

  @IsInt()
  agent_version: number;

  @Nullable()
  @IsUUID()
  conversation_id: string | null;

  @IsIn(runStatuses)
  status: string;

  /** What the user asked. */
  @IsString()
  input: string;

  @Nullable()
  @IsString()
  output: string | null;

  @Nullable()
  @IsString()
  error_code: string | null;

  @Nullable()
  @IsString()
  error_detail: string | null;

  @Nullable()
  @ValidateNested()
  @Type(() => TokenUsage)
  usage: TokenUsage | null;

  @IsObject()
  metadata: Record<string, unknown>;

  @IsISO8601()
  created_at: Timestamp;

  @Nullable()
  @IsISO8601()
  finished_at: Timestamp | null;
}

export class StartRun extends ById {
  @IsString()
  @MinLength(1)
  @MaxLength(500_000)
  input: string;

  /** True: the answer is the run's events as SSE. */
  @Optional()
  @IsBoolean()
  stream?: boolean;

  @Optional()
  @IsObject()
  metadata?: Record<string, unknown>;
}

export class ChatMessage {
  @IsIn(['user', 'assistant'])
  role: 'user' | 'assistant';

  @IsString()
  content: string;
}

/** A run that another service starts: the context it chose, and what the run is for. */
export class StartRunFor {
  @IsUUID()
  agent_id: string;

  @IsUUID()
  conversation_id: string;

  /** The same run is started once, however often it is asked for. */
  @IsUUID()
  run_id: string;

  @IsArray()
  @ArrayMaxSize(200)
  @ValidateNested({ each: true })
  @Type(() => ChatMessage)
  messages: ChatMessage[];
}

export class ListRuns extends PageById {
  @Optional()
  @IsIn(runStatuses)
  status?: RunStatus;
}

/** What happened in a run. Ids are 1, 2, … within it. */
export class RunEvent {
  @IsInt()
  id: number;

  @IsString()
  type: string;

  @IsObject()
  data: Record<string, unknown>;
}

/** Of a run that has ended, with the tokens merged; none before its end: then its log has them. */
export class RunEvents {
  @ValidateNested({ each: true })
  @Type(() => RunEvent)
  events: RunEvent[];
}

export const providerContract = contract('orchestrator.provider', {
  create: {
    summary: 'Add an AI provider',
    http: 'POST /v1/providers',
    access: 'providers:create',
    input: CreateProvider,
    output: Provider,
    effect: 'once',
  },
  list: {
    summary: 'List AI providers',
    http: 'GET /v1/providers',
    access: 'providers:read',
    input: PageQuery,
    output: Page(Provider),
    effect: 'safe',
  },
  get: {
    summary: 'Read an AI provider',
    http: 'GET /v1/providers/:id',
    access: 'providers:read',
    input: ById,
    output: Provider,
    effect: 'safe',
  },
  update: {
    summary: 'Change an AI provider; another origin in `base_url` drops its credentials',
    http: 'PATCH /v1/providers/:id',
    access: 'providers:update',
    input: UpdateProvider,
    output: Provider,
    effect: 'once',
  },
  remove: {
    summary: 'Remove an AI provider and its credentials',
    http: 'DELETE /v1/providers/:id',
    access: 'providers:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  putCredentials: {
    summary: 'Store the API key of a provider, encrypted; it can be replaced, never read',
    http: 'PUT /v1/providers/:id/credentials',
    secret: true,
    access: 'providers:update',
    input: PutCredentials,
    output: Nothing,
    effect: 'idempotent',
  },
});

export const agentContract = contract('orchestrator.agent', {
  create: {
    summary: 'Create an agent',
    http: 'POST /v1/agents',
    access: 'agents:create',
    input: CreateAgent,
    output: Agent,
    effect: 'once',
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

export const runContract = contract('orchestrator.run', {
  start: {
    summary: 'Run an agent: the finished run, its events as SSE (`stream`), or 202 at once (`Prefer: respond-async`)',
    http: 'POST /v1/agents/:id/runs',
    access: 'runs:create',
    input: StartRun,
    output: Run,
    status: 200,
    custom: true,
    effect: 'once',
  },
  startFor: {
    summary: 'Start the run that answers a conversation',
    callers: ['chat'],
    input: StartRunFor,
    output: Run,
    effect: 'idempotent',
  },
  list: {
    summary: "List an agent's runs, newest first",
    http: 'GET /v1/agents/:id/runs',
    access: 'runs:read',
    input: ListRuns,
    output: Page(Run),
    effect: 'safe',
  },
  get: {
    summary: 'Read a run',
    http: 'GET /v1/runs/:id',
    access: 'runs:read',
    input: ById,
    output: Run,
    effect: 'safe',
  },
  outcome: {
    summary: 'A run as it stands, for the service that had it started',
    callers: ['chat'],
    input: ById,
    output: Run,
    effect: 'safe',
  },
  events: {
    summary: "A run's events as SSE, from its start or from `Last-Event-ID`",
    http: 'GET /v1/runs/:id/events',
    access: 'runs:read',
    input: ById,
    output: RunEvents,
    custom: true,
    effect: 'safe',
  },
  cancel: {
    summary: 'Cancel a run; one that has ended stays as it is',
    http: 'POST /v1/runs/:id/cancel',
    access: 'runs:update',
    input: ById,
    output: Run,
    status: 200,
    effect: 'idempotent',
  },
});
