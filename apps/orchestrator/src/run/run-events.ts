import { hasEnded, terminalEvent, type Run, type RunEvent, type RunEventBody, type TokenUsage } from '@taai/contracts';
import type { AgentRunEntity } from '@taai/entities';
import type { RunState } from './run-row';
import type { Execution, Step } from './run-step';

export type EventBody = RunEventBody;
type Identity = Pick<AgentRunEntity, 'id' | 'agent_id' | 'conversation_id'>;
/** The fields of a run that its last events contain. */
export type Ending = Pick<AgentRunEntity, 'status' | 'output' | 'error_code' | 'error_detail' | 'usage'> &
  Pick<Run, 'stop_reason'>;
/** Where a run's row has why its answer ended. */
interface Stopped {
  state: Pick<RunState, 'stop_reason'>;
}
type Logged = Identity & Omit<Ending, 'stop_reason'> & Stopped & Pick<AgentRunEntity, 'last_event_id'>;

export const startedEvent = ({ id, agent_id, conversation_id }: Identity): EventBody => ({
  type: 'run.started',
  data: { run_id: id, agent_id, ...(conversation_id !== null && { conversation_id }) },
});

/** The step starts again: what came after the event `after_id` is void. */
export const retriedEvent = (step: number, after_id: number): EventBody => ({
  type: 'step.retried',
  data: { step, after_id },
});

/** Follows each answer of a model: the sum that the run has used so far. */
export const usageEvent = (usage: TokenUsage): EventBody => ({ type: 'usage', data: { ...usage } });

const nameOf = ({ tool_call_id, tool_name }: Execution) => ({ id: tool_call_id, name: tool_name });

export const toolCallEvent = (execution: Execution): EventBody => ({
  type: 'tool.call',
  data: { ...nameOf(execution), arguments: execution.arguments },
});

export const approvalEvent = (execution: Execution): EventBody => ({
  type: 'approval.required',
  data: { ...nameOf(execution), arguments: execution.arguments },
});

/** The events that follow a step's tokens, in the order of the numbers that they were committed with. */
export const stepEvents = ({ usage, executions }: Step): EventBody[] => [
  ...(usage ? [usageEvent(usage)] : []),
  ...executions.map(toolCallEvent),
];

export function toolResultEvent(execution: Execution): EventBody {
  const { status, result, error_code: code, error_detail: detail } = execution;
  const outcome = status === 'completed' ? { result } : { error: { code, detail } };
  return { type: 'tool.result', data: { ...nameOf(execution), status, ...outcome } };
}

/** The events that end a run: `usage`, the sum over its provider calls if there were any, and the terminal one. */
export function endingEvents(run: Ending): EventBody[] {
  const terminal = terminalEvent(run);
  return run.usage ? [usageEvent(run.usage), terminal] : [terminal];
}

/** The end of a run that has ended, as its row tells it. */
export const endingOfRow = <R extends Stopped>(run: R) => ({
  ...run,
  stop_reason: run.state.stop_reason ?? null,
});

/**
 * Rebuilds the events of a run whose log has expired from its rows: none before its end; then the tokens of a step are one event, and
 * reasoning, which nobody stores, is left out. Ids are
 * those of the log, so that a reader can go on where it was (`resumeRebuilt` knows how).
 */
export function rebuildEvents(run: Logged, steps: readonly Step[]): RunEvent[] {
  if (!hasEnded(run)) return [];
  const bodies = [...tokenEvents(run.output), ...endingEvents(endingOfRow(run))];
  const first = run.last_event_id - bodies.length + 1;
  const last = bodies.map((body, index) => ({ id: first + index, ...body }));
  return first > 1 ? [...committedEvents(run, steps), ...last] : last;
}

/** The events of a run's log before its end, as far as its rows contain them. */
export const committedEvents = (run: Identity, steps: readonly Step[]): RunEvent[] => [
  { id: 1, ...startedEvent(run) },
  ...steps.flatMap(eventsOfStep),
];

/** The id of the last event that is certain: what a dead replica logged after it is void. */
export const committedId = (run: Identity, steps: readonly Step[]): number =>
  committedEvents(run, steps).at(-1)?.id ?? 1;

function eventsOfStep({ output, usage, last_event_id, executions }: Step): RunEvent[] {
  const answer = [...tokenEvents(output), ...(usage ? [usageEvent(usage)] : [])];
  return [
    ...answer.map((body, index) => ({ id: last_event_id - answer.length + 1 + index, ...body })),
    ...executions.flatMap(eventsOfExecution).sort((one, other) => one.id - other.id),
  ];
}

function eventsOfExecution(execution: Execution): RunEvent[] {
  const { call_event_id, approval_event_id, result_event_id } = execution;
  return [
    { id: call_event_id, ...toolCallEvent(execution) },
    { id: approval_event_id, ...approvalEvent(execution) },
    { id: result_event_id, ...toolResultEvent(execution) },
  ].filter((event): event is RunEvent => event.id !== null);
}

const tokenEvents = (text: string | null): EventBody[] => (text ? [{ type: 'token', data: { text } }] : []);
