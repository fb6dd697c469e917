import { Type } from 'class-transformer';
import { IsIn, IsInt, IsString, IsUUID, ValidateNested } from 'class-validator';
import type { DataOf, EventTable } from '../contract';
import { Describe } from '../schema/describe';
import { AnyJson, Nullable, Optional } from '../fields';
import { TokenUsage } from '../usage.contract';
import { toolExecutionStatuses } from './tool-execution';

export class RunStartedData {
  @Describe('Id of the run.')
  @IsUUID()
  run_id: string;

  @Describe('Id of the agent that runs.')
  @IsUUID()
  agent_id: string;

  @Describe('Id of the conversation that the run answers; absent when it answers none.')
  @Optional()
  @IsUUID()
  conversation_id?: string;
}

export class TokenData {
  @Describe('The next piece of the answer, a word or many.', 'The invoice is due on ')
  @IsString()
  text: string;
}

export class ReasoningData {
  @Describe('The next piece of what the model thinks aloud; no part of the answer.', 'The invoice says 31 January, so ')
  @IsString()
  text: string;
}

export class StepRetriedData {
  @Describe('The step that starts again: 1, 2, …', 1)
  @IsInt()
  step: number;

  @Describe('Id of the last event that still counts: drop the tokens, and the reasoning, that came after it.', 3)
  @IsInt()
  after_id: number;
}

class CalledTool {
  @Describe("The model's id of the call.", 'call_9f2c')
  @IsString()
  id: string;

  @Describe('Name of the tool.', 'create_task')
  @IsString()
  name: string;
}

export class ToolCallData extends CalledTool {
  @Describe('The arguments that the model wrote; a text where they are no JSON.', { title: 'Pay the invoice' })
  @AnyJson()
  arguments: unknown;
}

export class ToolError {
  @Describe('Stable code of the failure; null when there is none.', 'tool_timeout')
  @Nullable()
  @IsString()
  code: string | null;

  @Describe('What went wrong, in a sentence.', 'The tool gave no answer within 30 seconds.')
  @Nullable()
  @IsString()
  detail: string | null;
}

export class ToolResultData extends CalledTool {
  @Describe('How the call ended: `completed`, `failed` or `rejected`.', 'completed')
  @IsIn(toolExecutionStatuses)
  status: (typeof toolExecutionStatuses)[number];

  @Describe('What the tool answered, when it completed.', { id: '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42' })
  @Optional()
  @AnyJson()
  result?: unknown;

  @Describe('Why there is no result, when it did not complete.')
  @Optional()
  @ValidateNested()
  @Type(() => ToolError)
  error?: ToolError;
}

/** Why a model stopped. */
export const stopReasons = ['stop', 'length', 'tool_calls', 'content_filter', 'other'] as const;
export type StopReason = (typeof stopReasons)[number];

export class Incomplete {
  @Describe('`length`: the answer has as many tokens as it may; `content_filter`: the provider broke it off.', 'length')
  @IsIn(['length', 'content_filter'])
  reason: 'length' | 'content_filter';
}

/** Why an answer that ended for this reason is not whole; null when it is. */
export const incompleteBy = (reason: StopReason | null): Incomplete | null =>
  reason === 'length' || reason === 'content_filter' ? { reason } : null;

export class RunCompletedData {
  @Describe('The whole answer.', 'The invoice is due on 31 January.')
  @Nullable()
  @IsString()
  output: string | null;

  @Describe('Why the model stopped; null when the provider did not say, absent in runs of an older release.', 'stop')
  @Optional()
  @Nullable()
  @IsIn(stopReasons)
  stop_reason?: StopReason | null;

  @Describe('Why the answer is not whole; null when it is, absent in runs of an older release.', null)
  @Optional()
  @Nullable()
  @ValidateNested()
  @Type(() => Incomplete)
  incomplete?: Incomplete | null;
}

export class RunFailedData {
  @Describe('Stable code of the failure.', 'budget_exceeded')
  @Nullable()
  @IsString()
  code: string | null;

  @Describe('What went wrong, in a sentence.', 'The run has cost as much as its agent allows.')
  @Nullable()
  @IsString()
  detail: string | null;
}

export class RunCancelledData {}

/** What happens in a run, in the words of its log and of its stream. One of the last three ends it. */
export const runEvents = {
  name: 'RunEvent',
  types: {
    'run.started': { description: 'The run has begun.', data: RunStartedData },
    token: { description: 'The answer has grown.', data: TokenData },
    reasoning: {
      description: 'The model has thought aloud; left out of what is told of a run that ended long ago.',
      data: ReasoningData,
    },
    'step.retried': {
      description: 'A step starts again, because its model or its replica failed.',
      data: StepRetriedData,
    },
    'tool.call': { description: 'The model calls a tool.', data: ToolCallData },
    'approval.required': { description: 'A tool call waits for a person.', data: ToolCallData },
    'tool.result': { description: 'A tool call has ended.', data: ToolResultData },
    usage: { description: 'What the run has used so far.', data: TokenUsage },
    'run.completed': { description: 'The run has answered.', data: RunCompletedData },
    'run.failed': { description: 'The run has failed.', data: RunFailedData },
    'run.cancelled': { description: 'The run was cancelled.', data: RunCancelledData },
  },
} as const satisfies EventTable;

/** The data of each type of event. */
export type RunEventData = DataOf<typeof runEvents>;
export type RunEventType = keyof RunEventData;

/** What happened in a run, before it has a place in its log. */
export type RunEventBody<T extends RunEventType = RunEventType> = {
  [K in T]: { type: K; data: RunEventData[K] };
}[T];

/** What happened in a run. Ids are 1, 2, … within it. */
export type RunEvent<T extends RunEventType = RunEventType> = {
  [K in T]: { id: number; type: K; data: RunEventData[K] };
}[T];
