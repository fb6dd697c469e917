import { incompleteBy, type Run, type RunAttempt, type RunStep, type ToolExecution } from '@taai/contracts';
import { fitting } from '@taai/entities';
import { textOf } from '../file/stored-file';
import type { LedgeredAttempt, RunRow } from './run-row';
import type { Execution, Step } from './run-step';

/** The run as clients see it. */
export function toRun(run: RunRow): Run {
  const { id, agent_id, agent_version, conversation_id, status, output, error_code, error_detail } = run;
  const { usage, metadata, created_at, finished_at } = run;
  const asked = run.input.findLast(({ role }) => role === 'user');
  const input = asked ? textOf(asked) : '';
  const what = { id, agent_id, agent_version, conversation_id, status, input, output, error_code, error_detail };
  const { stop_reason = null } = run.state;
  const incomplete = status === 'completed' ? incompleteBy(stop_reason) : null;
  return { ...what, stop_reason, incomplete, usage, metadata, created_at, finished_at };
}

/** The steps of a run as clients see them, as many from the first on as one reply carries. The last one's answer is the run's output. */
export function timelineOf(run: RunRow, steps: readonly Step[], attempts: readonly LedgeredAttempt[]): RunStep[] {
  const byStep = Map.groupBy(attempts, ({ step }) => step ?? 1);
  const last = steps.length + 1;
  const finished = steps.map(({ step, output, executions }) => ({ step, output, executions }));
  const under_way = byStep.has(last) || run.output !== null ? [{ step: last, output: run.output, executions: [] }] : [];
  const all = [...finished, ...under_way].map(({ step, output, executions }) => ({
    step,
    output,
    attempts: (byStep.get(step) ?? []).map(toAttempt),
    tool_calls: executions.map(toToolExecution),
  }));
  return all.length === 0 ? [] : fitting(all);
}

function toAttempt(row: LedgeredAttempt): RunAttempt {
  const { call_id, provider_id, model, occurred_at, latency_ms, error_code } = row;
  const { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = row;
  const { cost_micro_usd, is_estimated } = row;
  const buckets = { input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens };
  const usage = { ...buckets, cost_micro_usd, is_estimated };
  return { call_id, provider_id, model, started_at: occurred_at, latency_ms, error_code, usage };
}

/** A call as clients see it, without its place in the log. */
const toToolExecution = ({
  position: _position,
  call_event_id: _call_event_id,
  approval_event_id: _approval_event_id,
  result_event_id: _result_event_id,
  ...shown
}: Execution): ToolExecution => shown;
