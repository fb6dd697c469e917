import type { RunEvent } from '@taai/contracts';

const terminal = new Set(['run.completed', 'run.failed', 'run.cancelled']);

/** Whether a run's log ends with the event. */
export const endsRun = ({ type }: Pick<RunEvent, 'type'>): boolean => terminal.has(type);

/** An entry of a Redis stream as ioredis returns it: its id and its fields, name and value in turn. */
export type StreamEntry = [id: string, fields: string[]];

/** Reads what the writer's script wrote: `<n>-0 t <type> d <json>`. */
export function fromEntry([id, fields]: StreamEntry): RunEvent {
  const [, type, , json] = fields;
  const data: unknown = JSON.parse(json ?? 'null');
  const event: unknown = { id: Number.parseInt(id, 10), type, data };
  if (!isRunEvent(event)) throw new Error(`The entry ${id} of a run's log is not an event.`);
  return event;
}

/** Reads a message of a run's live channel: the events of one write. Undefined when it is something else. */
export function fromMessage(message: string): RunEvent[] | undefined {
  const events: unknown = JSON.parse(message);
  return Array.isArray(events) && events.every(isRunEvent) ? events : undefined;
}

// A type that this release does not know passes: a newer one wrote it, for readers who do.
const isRunEvent = (value: unknown): value is RunEvent =>
  isObject(value) && Number.isSafeInteger(value.id) && typeof value.type === 'string' && isObject(value.data);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
