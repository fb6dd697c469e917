import type { TokenUsage } from '@taai/contracts';
import type { RunStepEntity, ToolExecutionEntity } from '@taai/entities';

/** A call of a tool. It is settled when the run's log has its result. */
export type Execution = Omit<ToolExecutionEntity, 'tenant_id'>;

/** A model's answer that called tools, or has to be mended, and what became of the calls. */
export type Step = Pick<RunStepEntity, 'step' | 'output' | 'tool_calls' | 'usage' | 'last_event_id'> & {
  /** In the order of the calls. */
  executions: Execution[];
  /** Why the answer has to be mended, as `schemaViolation` says it; nobody stores it. */
  violation?: string;
};

/** A step before its events have numbers. */
export type StepDraft = Pick<Step, 'step' | 'output' | 'tool_calls' | 'executions'>;

/** The outcome of a tool call. */
export type ToolOutcome = Pick<Execution, 'result' | 'error_code' | 'error_detail'> & {
  status: 'completed' | 'failed' | 'rejected';
};

/** An outcome that is logged, under the number `result_event_id`. */
export type Settlement = ToolOutcome & Pick<Execution, 'result_event_id'>;

/** Numbers the events of a step from the log's next one on: `usage`, then each call. */
export function numbered(draft: StepDraft, usage: TokenUsage, logged: number): Step {
  const last_event_id = logged + 1;
  const executions = draft.executions.map((execution, index) => ({
    ...execution,
    call_event_id: last_event_id + 1 + index,
  }));
  return { ...draft, usage, executions, last_event_id };
}
