import { IsBoolean, IsIn, IsInt, IsISO8601, IsString, IsUUID } from 'class-validator';
import { Describe } from '../schema/describe';
import { AnyJson, Nullable, type Timestamp } from '../fields';

export const toolExecutionStatuses = [
  'pending',
  'waiting_approval',
  'running',
  'completed',
  'failed',
  'rejected',
] as const;
export type ToolExecutionStatus = (typeof toolExecutionStatuses)[number];

/** A call as the model wrote it, kept for the messages that follow it. */
export interface StoredToolCall {
  id: string;
  name: string;
  arguments: string;
  opaque?: string;
}

/** One call of a tool, and what became of it. */
export class ToolExecution {
  @Describe('Id of the execution.')
  @IsUUID()
  id: string;

  @Describe('Id of the run.')
  @IsUUID()
  run_id: string;

  @Describe('The step that it belongs to: 1, 2, …', 1)
  @IsInt()
  step: number;

  @Describe("The model's id of the call.", 'call_9f2c')
  @IsString()
  tool_call_id: string;

  @Describe("The tool's name, as the model wrote it.", 'create_task')
  @IsString()
  tool_name: string;

  @Describe('Id of the tool; null: the model called a tool that does not exist.')
  @Nullable()
  @IsUUID()
  tool_id: string | null;

  @Describe('The arguments that the model wrote; a text where they are no JSON.', { title: 'Pay the invoice' })
  @AnyJson()
  arguments: unknown;

  @Describe('How far the call is.', 'completed')
  @IsIn(toolExecutionStatuses)
  status: string;

  @Describe('What the tool answered; null until then, and when it failed.', {
    id: '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42',
  })
  @AnyJson()
  result: unknown;

  @Describe('Stable code of the failure; null when there is none.', null)
  @Nullable()
  @IsString()
  error_code: string | null;

  @Describe('What went wrong, in a sentence.', null)
  @Nullable()
  @IsString()
  error_detail: string | null;

  @Describe('Whether somebody other than who started the run must approve it.', false)
  @IsBoolean()
  separate_approver: boolean;

  @Describe('Id of the user who approved or rejected it.', null)
  @Nullable()
  @IsUUID()
  decided_by: string | null;

  @Describe('When it was approved or rejected.', null)
  @Nullable()
  @IsISO8601()
  decided_at: Timestamp | null;

  @Describe('When the model asked for it.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When the tool was called; null until then.')
  @Nullable()
  @IsISO8601()
  started_at: Timestamp | null;

  @Describe('When it ended; null until then.')
  @Nullable()
  @IsISO8601()
  finished_at: Timestamp | null;
}
