import { hasEnded, type RunEvent } from '@taai/contracts';
import type { AgentRunEntity } from '@taai/entities';

export type EventBody = Pick<RunEvent, 'type' | 'data'>;
type Identity = Pick<AgentRunEntity, 'id' | 'agent_id' | 'conversation_id'>;
/** What of a run its last events tell. */
export type Ending = Pick<AgentRunEntity, 'status' | 'output' | 'error_code' | 'error_detail' | 'usage'>;

export const startedEvent = ({ id, agent_id, conversation_id }: Identity): EventBody => ({
  type: 'run.started',
  data: { run_id: id, agent_id, ...(conversation_id !== null && { conversation_id }) },
});

/** The step starts again: what came after the event `after_id` is void. */
export const retriedEvent = (step: number, after_id: number): EventBody => ({
  type: 'step.retried',
  data: { step, after_id },
});

/** The events that end a run: `usage`, the sum over its provider calls if there were any, and the terminal one. */
export function endingEvents(run: Ending): EventBody[] {
  const terminal = { type: `run.${run.status}`, data: terminalData(run) };
  return run.usage ? [{ type: 'usage', data: { ...run.usage } }, terminal] : [terminal];
}

function terminalData({ status, output, error_code, error_detail }: Ending): EventBody['data'] {
  if (status === 'completed') return { output };
  return status === 'failed' ? { code: error_code, detail: error_detail } : {};
}

/**
 * The events of a run whose log has expired, from its row: none before its end; then the tokens are one event. Ids are those
 * of the log, so that a reader can go on where it was (`RunLogReader` knows how).
 */
export function rebuildEvents(run: Identity & Ending & Pick<AgentRunEntity, 'last_event_id'>): RunEvent[] {
  if (!hasEnded(run)) return [];
  const bodies = [...(run.output ? [{ type: 'token', data: { text: run.output } }] : []), ...endingEvents(run)];
  const first = run.last_event_id - bodies.length + 1;
  const events = bodies.map((body, index) => ({ id: first + index, ...body }));
  return first > 1 ? [{ id: 1, ...startedEvent(run) }, ...events] : events;
}
