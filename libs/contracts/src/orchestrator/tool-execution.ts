import { IsIn, IsInt, IsISO8601, IsString, IsUUID } from 'class-validator';
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
  @IsUUID()
  id: string;

  @IsUUID()
  run_id: string;

  @IsInt()
  step: number;

  /** The model's name for the call. */
  @IsString()
  tool_call_id: string;

  @IsString()
  tool_name: string;

  /** Null: the model called a tool that does not exist. */
  @Nullable()
  @IsUUID()
  tool_id: string | null;

  /** A string where the model wrote no JSON. */
  @AnyJson()
  arguments: unknown;

  @IsIn(toolExecutionStatuses)
  status: string;

  @AnyJson()
  result: unknown;

  @Nullable()
  @IsString()
  error_code: string | null;

  @Nullable()
  @IsString()
  error_detail: string | null;

  /** Who approved or rejected it. */
  @Nullable()
  @IsUUID()
  decided_by: string | null;

  @Nullable()
  @IsISO8601()
  decided_at: Timestamp | null;

  @IsISO8601()
  created_at: Timestamp;

  @Nullable()
  @IsISO8601()
  started_at: Timestamp | null;

  @Nullable()
  @IsISO8601()
  finished_at: Timestamp | null;
}
