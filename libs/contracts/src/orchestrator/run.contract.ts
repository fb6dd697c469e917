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
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { Attachment, Attachments, type AttachFile } from '../chat/file.contract';
import { ById, Empty, Nullable, Optional, Page, PageById, type Timestamp } from '../fields';
import { TokenUsage } from '../usage.contract';
import {
  Incomplete,
  incompleteBy,
  runEvents,
  stopReasons,
  type RunEvent,
  type RunEventBody,
  type StopReason,
} from './run-event';
import { ToolExecution } from './tool-execution';
import { limits } from '../schema/limits';

export const runStatuses = ['queued', 'running', 'waiting_approval', 'completed', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof runStatuses)[number];

const endings: ReadonlySet<string> = new Set<RunStatus>(['completed', 'failed', 'cancelled']);

/** Whether a run stays as it is. */
export const hasEnded = ({ status }: Pick<Run, 'status'>): boolean => endings.has(status);

type Ending = Pick<Run, 'status' | 'output' | 'error_code' | 'error_detail' | 'stop_reason'>;

/** The event that ends the log of a run which has ended. */
export function terminalEvent(run: Ending): RunEventBody {
  const { status, output, stop_reason, error_code: code, error_detail: detail } = run;
  if (status === 'completed')
    return { type: 'run.completed', data: { output, stop_reason, incomplete: incompleteBy(stop_reason) } };
  return status === 'failed' ? { type: 'run.failed', data: { code, detail } } : { type: 'run.cancelled', data: {} };
}

export class Run {
  @Describe('Id of the run.')
  @IsUUID()
  id: string;

  @Describe('Id of the agent that runs.')
  @IsUUID()
  agent_id: string;

  @Describe('The version of the agent that it began with.', 3)
  @IsInt()
  agent_version: number;

  @Describe('Id of the conversation that it answers; null when it answers none.', null)
  @Nullable()
  @IsUUID()
  conversation_id: string | null;

  @Describe('How far the run is.', 'completed')
  @IsIn(runStatuses)
  status: string;

  @Describe('What the user asked.', 'When is the invoice due?')
  @IsString()
  input: string;

  @Describe('The answer; null until there is one.', 'The invoice is due on 31 January.')
  @Nullable()
  @IsString()
  output: string | null;

  @Describe('Stable code of the failure; null when there is none.', null)
  @Nullable()
  @IsString()
  error_code: string | null;

  @Describe('What went wrong, in a sentence.', null)
  @Nullable()
  @IsString()
  error_detail: string | null;

  @Describe('Why the model stopped that answered last; null before, and when its provider did not say.', 'stop')
  @Nullable()
  @IsIn(stopReasons)
  stop_reason: StopReason | null;

  @Describe('Why the answer of a completed run is not whole; null when it is.', null)
  @Nullable()
  @ValidateNested()
  @Type(() => Incomplete)
  incomplete: Incomplete | null;

  @Describe('Tokens and cost of all its model calls; null before the first one.')
  @Nullable()
  @ValidateNested()
  @Type(() => TokenUsage)
  usage: TokenUsage | null;

  @Describe('What its caller noted at the start.', { ticket: '4711' })
  @IsObject()
  metadata: Record<string, unknown>;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it ended; null until then.')
  @Nullable()
  @IsISO8601()
  finished_at: Timestamp | null;
}

/** One attempt to have a model answer: a row of the ledger. */
export class RunAttempt {
  @Describe("Id of the provider call, the ledger's key.")
  @IsUUID()
  call_id: string;

  @Describe('Id of the provider; null when it is gone.')
  @Nullable()
  @IsUUID()
  provider_id: string | null;

  @Describe('Name of the model.', 'claude-sonnet-4-5')
  @IsString()
  model: string;

  @Describe('When the call was made.')
  @IsISO8601()
  started_at: Timestamp;

  @Describe('How long the call took, in milliseconds.', 1840)
  @Nullable()
  @IsInt()
  latency_ms: number | null;

  @Describe('Why it failed; null: it succeeded, or is under way.', null)
  @Nullable()
  @IsString()
  error_code: string | null;

  @Describe('Tokens and cost of the call.')
  @ValidateNested()
  @Type(() => TokenUsage)
  usage: TokenUsage;
}

/** A step: one answer of a model, and the tools that it called. */
export class RunStep {
  @Describe('1, 2, …', 1)
  @IsInt()
  step: number;

  @Describe('What the model said besides calling tools; null while it has not answered.', 'I will look that up.')
  @Nullable()
  @IsString()
  output: string | null;

  @Describe('The model calls, oldest first; the last one gave the answer.')
  @ValidateNested({ each: true })
  @Type(() => RunAttempt)
  attempts: RunAttempt[];

  @Describe('The tools that the answer called, in its order.')
  @ValidateNested({ each: true })
  @Type(() => ToolExecution)
  tool_calls: ToolExecution[];
}

/** A run with all that happened in it. */
export class RunDetail extends Run {
  @Describe('What happened, step by step.')
  @ValidateNested({ each: true })
  @Type(() => RunStep)
  steps: RunStep[];
}

export class DecideToolCall extends ById {
  @Describe("The model's id of the call.", 'call_9f2c')
  @IsString()
  @MaxLength(limits.toolCallIdCharacters)
  tool_call_id: string;

  @Describe('Whether the tool is called.')
  @IsIn(['approve', 'reject'])
  decision: 'approve' | 'reject';
}

export class StartRun extends ById {
  @Describe('What the user asks.', 'When is the invoice due?')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.runInputCharacters)
  input: string;

  @Describe('Files for the agent to look at, in their order: images and PDFs for models that take them, texts as text.')
  @Attachments()
  attachments?: AttachFile[];

  @Describe("True: the answer is the run's events as SSE.", false)
  @Optional()
  @IsBoolean()
  stream?: boolean;

  @Describe('Anything to note with the run.', { ticket: '4711' })
  @Optional()
  @IsObject()
  metadata?: Record<string, unknown>;

  @Describe("Values of `{{name}}` in the agent's system prompt; text each.", { company: 'Acme' })
  @Optional()
  @IsObject()
  variables?: Record<string, string>;
}

export class ChatMessage {
  @IsIn(['user', 'assistant'])
  role: 'user' | 'assistant';

  @IsString()
  @MaxLength(limits.runInputCharacters)
  content: string;

  /**
   * Of an answer, the run that gave it: the model is shown its tool calls, too. Of a question that another one follows, the run that answers
   * it: the model is shown what that has said by the time the new one begins.
   */
  @Optional()
  @Nullable()
  @IsUUID()
  run_id?: string | null;

  @Optional()
  @IsArray()
  @ArrayMaxSize(limits.attachments)
  @ValidateNested({ each: true })
  @Type(() => Attachment)
  attachments?: Attachment[];
}

export class ShownMessages {
  @Nullable()
  @IsInt()
  @Min(0)
  messages: number | null;
}

export class ActiveRuns {
  @IsInt()
  @Min(0)
  active: number;
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
  @ArrayMaxSize(limits.contextMessages + 2 * limits.summarizedMessages)
  @ValidateNested({ each: true })
  @Type(() => ChatMessage)
  messages: ChatMessage[];

  /** Of what was said before the messages, as far as it is not among them. */
  @Optional()
  @IsString()
  @MaxLength(limits.summaryCharacters)
  summary?: string;
}

export class ListRuns extends PageById {
  @Describe('Only runs of this status.', 'completed')
  @Optional()
  @IsIn(runStatuses)
  status?: RunStatus;
}

export class ReadRunEvents extends ById {
  @Describe('Id of the last event that is known already; the header `Last-Event-ID` goes before it.', 0)
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after?: number;
}

/** Of a run that has ended, with the tokens merged, as many as fit; none before its end: then its log has them. */
export class RunEvents {
  events: RunEvent[];
}

export const runContract = contract('orchestrator.run', {
  start: {
    summary: 'Run an agent: the finished run, its events as SSE (`stream`), or 202 at once (`Prefer: respond-async`)',
    description:
      "The run goes on whoever listens. Without `stream` the answer comes when it has ended; 202 with `Location` when it waits for a person, and at once with `Prefer: respond-async`. In a `format` of UIs the answer ends where the run waits for a person, and the next body may decide. A stream that was cut is read on at `/v1/runs/{id}/events`. Answers `agent_not_ready` (422) for an agent that cannot be run, `too_many_runs` (429) beyond the plan's limit, and `deadline_exceeded` (504) when the end takes too long.",
    http: 'POST /v1/agents/:id/runs',
    access: 'runs:create',
    input: StartRun,
    output: Run,
    status: 200,
    custom: true,
    events: runEvents,
    wires: { question: 'input' },
    headers: {
      Prefer: { description: '`respond-async`: the answer is 202, at once.', example: 'respond-async' },
    },
    limit: { tokens: true },
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
    description: 'The whole timeline of one is at `/v1/runs/{id}`.',
    http: 'GET /v1/agents/:id/runs',
    access: 'runs:read',
    input: ListRuns,
    output: Page(Run),
    effect: 'safe',
  },
  get: {
    summary: 'Read a run with its timeline: steps, attempts, tool calls',
    description:
      'Each step is one answer of a model with the provider calls that led to it and the tools that it called.',
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
  cancelFor: {
    summary: 'Cancel the runs of a conversation that have not ended: it was deleted, and nobody reads their answers',
    callers: ['chat'],
    input: ById,
    output: Nothing,
    effect: 'idempotent',
  },
  shown: {
    summary: 'How many of the messages that it was given the model of a run is shown: its window may hold fewer',
    callers: ['chat'],
    input: ById,
    output: ShownMessages,
    effect: 'safe',
  },
  active: {
    summary: "How many of the tenant's runs have not ended, for what the gateway shows of limits",
    callers: ['gateway'],
    input: Empty,
    output: ActiveRuns,
    effect: 'safe',
  },
  events: {
    summary: "A run's events as SSE, from its start or from `Last-Event-ID`",
    description:
      'The stream begins after `Last-Event-ID` or `after`, follows the run, and closes with its end. Ids have no gaps while the run goes on; of a run that ended long ago the tokens of a step come as one event, and reasoning is left out. In a `format` of UIs frames have the ids of the events that they come from: without `Last-Event-ID` the stream is a replay, as the `resume` of `useChat` wants it; with it a text that is open begins anew, and goes on; the stream ends where it tells that the run waits for a person. `event: error` with a problem ends a stream that cannot go on, and with `slow_reader` one of which the client takes nothing for 10 seconds.',
    http: 'GET /v1/runs/:id/events',
    access: 'runs:read',
    input: ReadRunEvents,
    output: RunEvents,
    custom: true,
    media_type: 'text/event-stream',
    events: runEvents,
    wires: {},
    headers: {
      'Last-Event-ID': {
        description: 'Id of the last event that is known already, as browsers send it.',
        example: '17',
        field: 'after',
      },
    },
    effect: 'safe',
  },
  replay: {
    summary: 'What `events` answers, for the streams of conversations that the reader was let into',
    callers: ['gateway'],
    input: ReadRunEvents,
    output: RunEvents,
    effect: 'safe',
  },
  decide: {
    summary: 'Approve or reject a tool call that waits; the run goes on when none waits any more',
    description: 'Answers `conflict` (409) for a call that waits for no decision, or that was decided otherwise.',
    http: 'POST /v1/runs/:id/tool-calls/:tool_call_id/approval',
    access: 'runs:update',
    input: DecideToolCall,
    output: Run,
    status: 200,
    effect: 'idempotent',
  },
  cancel: {
    summary: 'Cancel a run; one that has ended stays as it is',
    description: 'Tool calls that are under way are cut off, and what the model has said until then is kept.',
    http: 'POST /v1/runs/:id/cancel',
    access: 'runs:update',
    input: ById,
    output: Run,
    status: 200,
    effect: 'idempotent',
  },
});
