import type { RunEvent } from '@taai/contracts';

/**
 * What a reader that has the events up to `after` still needs of a run's rebuilt events. Those have gaps: the tokens of a step
 * are one event under the id of the last, and `usage` follows. A reader with some of these tokens gets `step.retried`, to drop
 * them, and the merged ones in the place of `usage`.
 */
export function resumeRebuilt(events: readonly RunEvent[], after: number): RunEvent[] {
  const at = events.findIndex(({ id }) => id > after);
  if (at === -1) return [];
  const before = events[at - 1]?.id ?? 0;
  const next = events[at];
  if (next?.type !== 'token' || before === after) return events.slice(at);
  const step = 1 + events.slice(0, at).filter(({ type }) => type === 'usage').length;
  const retried: RunEvent = { id: next.id, type: 'step.retried', data: { step, after_id: before } };
  return [retried, { ...next, id: next.id + 1 }, ...events.slice(at + 2)];
}
