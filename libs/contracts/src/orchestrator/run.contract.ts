import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsString,
  IsUUID,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract } from '../contract';
import { ById, Nullable, Optional, Page, PageById, type Timestamp } from '../fields';
import { TokenUsage } from '../usage.contract';
import { ToolExecution } from './tool-execution';
import { limits } from '../limits';

export const runStatuses = ['queued', 'running', 'waiting_approval', 'completed', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

const endings: ReadonlySet<string> = new Set<RunStatus>(['completed', 'failed', 'cancelled']);

/** Whether a run stays as it is. */
export const hasEnded = ({ status }: Pick<Run, 'status'>): boolean => endings.has(status);

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

/** One attempt to have a model answer: a row of the ledger. */
export class RunAttempt {
  @IsUUID()
  call_id: string;

  @Nullable()
  @IsUUID()
  provider_id: string | null;

  @IsString()
  model: string;

  @IsISO8601()
  started_at: Timestamp;

  @Nullable()
  @IsInt()
  latency_ms: number | null;

  /** Null: it succeeded, or is under way. */
  @Nullable()
  @IsString()
  error_code: string | null;

  @ValidateNested()
  @Type(() => TokenUsage)
  usage: TokenUsage;
}

/** A step: one answer of a model, and the tools that it called. */
export class RunStep {
  /** 1, 2, … */
  @IsInt()
  step: number;

  /** What the model said besides calling tools; null while it has not answered. */
  @Nullable()
  @IsString()
  output: string | null;

  /** Oldest first; the last one gave the answer. */
  @ValidateNested({ each: true })
  @Type(() => RunAttempt)
  attempts: RunAttempt[];

  @ValidateNested({ each: true })
  @Type(() => ToolExecution)
  tool_calls: ToolExecution[];
}

/** A run with all that happened in it. */
export class RunDetail extends Run {
  @ValidateNested({ each: true })
  @Type(() => RunStep)
  steps: RunStep[];
}

export class DecideToolCall extends ById {
  /** The model's name for the call. */
  @IsString()
  @MaxLength(limits.toolCallIdCharacters)
  tool_call_id: string;

  @IsIn(['approve', 'reject'])
  decision: 'approve' | 'reject';
}

export class StartRun extends ById {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.runInputCharacters)
  input: string;

  /** True: the answer is the run's events as SSE. */
  @Optional()
  @IsBoolean()
  stream?: boolean;

  @Optional()
  @IsObject()
  metadata?: Record<string, unknown>;

  /** Values of `{{name}}` in the agent's system prompt; text each. */
  @Optional()
  @IsObject()
  variables?: Record<string, string>;
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

export class ReadRunEvents extends ById {
  /** The id of the last event that is known already; `Last-Event-ID` comes before it. */
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  after?: number;
}

/** Of a run that has ended, with the tokens merged, as many as fit; none before its end: then its log has them. */
export class RunEvents {
  @ValidateNested({ each: true })
  @Type(() => RunEvent)
  events: RunEvent[];
}

export const runContract = contract('orchestrator.run', {
  start: {
    summary: 'Run an agent: the finished run, its events as SSE (`stream`), or 202 at once (`Prefer: respond-async`)',
    http: 'POST /v1/agents/:id/runs',
    access: 'runs:create',
    input: StartRun,
    output: Run,
    status: 200,
    custom: true,
    effect: 'once_per_key',
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
    summary: 'Read a run with its timeline: steps, attempts, tool calls',
    http: 'GET /v1/runs/:id',
    access: 'runs:read',
    input: ById,
    output: RunDetail,
    effect: 'safe',
  },
  outcome: {
    summary: 'A run as it stands, without its timeline, for the services that had it started',
    callers: ['chat', 'gateway'],
    input: ById,
    output: Run,
    effect: 'safe',
  },
  events: {
    summary: "A run's events as SSE, from its start or from `Last-Event-ID`",
    http: 'GET /v1/runs/:id/events',
    access: 'runs:read',
    input: ReadRunEvents,
    output: RunEvents,
    custom: true,
    effect: 'safe',
  },
  decide: {
    summary: 'Approve or reject a tool call that waits; the run goes on when none waits any more',
    http: 'POST /v1/runs/:id/tool-calls/:tool_call_id/approval',
    access: 'runs:update',
    input: DecideToolCall,
    output: Run,
    status: 200,
    effect: 'idempotent',
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
