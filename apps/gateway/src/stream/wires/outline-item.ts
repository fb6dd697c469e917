import type { RunEventBody, RunEventData, TokenUsage } from '@taai/contracts';

export type ToolCall = RunEventData['tool.call'];
export type Ending = RunEventBody<'run.completed' | 'run.failed' | 'run.cancelled'>;

/** The run that a log is of. */
export interface OutlinedRun {
  id: string;
  conversation_id: string | null;
}

/** A stretch of one kind in a run's answer. */
export interface Part {
  kind: 'text' | 'reasoning';
  /** 1, 2, … in the run. */
  number: number;
  /** The message that it belongs to. */
  message: string;
}

/** A call that has no result yet. */
export interface OpenCall {
  call: ToolCall;
  /** A person has to decide on it. */
  waits: boolean;
}

/** What a run's log tells, as messages that grow: in steps, and within them in parts, which begin and end. */
export type OutlineItem =
  | { type: 'begun' }
  | { type: 'step.begun' | 'step.ended'; step: number }
  | { type: 'step.retried'; data: RunEventData['step.retried']; message: string }
  | { type: 'part.begun' | 'part.ended'; part: Part }
  | { type: 'part.grew'; part: Part; text: string }
  | { type: 'tool.called'; call: ToolCall; message: string }
  | { type: 'approval.required'; call: ToolCall }
  | { type: 'tool.ended'; result: RunEventData['tool.result']; waited: boolean }
  /** Of the calls that are open then there will be no result. */
  | { type: 'ended'; ending: Ending; usage: TokenUsage | null; calls: readonly OpenCall[] }
  /** The run waits for a person: the step's other calls have ended. */
  | { type: 'paused'; step: number; calls: readonly ToolCall[] }
  | Resumed;

/** For a reader that goes on here: what is open. */
export interface Resumed {
  type: 'resumed';
  step: number;
  part: Part | undefined;
  calls: readonly OpenCall[];
}
