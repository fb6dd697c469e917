import { readEvents as readSse } from '../../scripts/start/sse';
import { checkEvent } from './api-document';
import type { Json } from './client';

export interface StreamEvent {
  id: number;
  type: string;
  data: Json;
}

/** The server-sent events of a run, as they arrive; each is checked against docs/openapi.json. */
export async function* readEvents(response: Response): AsyncGenerator<StreamEvent> {
  if (!response.ok || !response.body)
    throw new Error(`The stream answered ${response.status}: ${await response.text()}`);
  for await (const { id, type, data } of readSse(response.body)) {
    const event = { ...(id !== undefined && { id: Number(id) }), event: type, data: JSON.parse(data) };
    checkEvent('RunEvent', event);
    yield { id: Number(id), type, data: event.data };
  }
}

/** All events of a response, to its end. */
export const allEvents = (response: Response): Promise<StreamEvent[]> => Array.fromAsync(readEvents(response));
