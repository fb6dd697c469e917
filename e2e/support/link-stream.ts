import { readEvents } from '../../scripts/start/sse';
import { checkEvent } from './api-document';
import type { Client, Json } from './client';

/** What a link tells whoever has it, as it comes; each event is checked against docs/openapi.json. */
export class LinkStream {
  readonly messages: Json[] = [];
  /** The places of the messages. */
  readonly ids: (string | undefined)[] = [];
  private readonly ending: Promise<Json>;

  private constructor(body: AsyncIterable<Uint8Array>) {
    this.ending = this.read(body);
    // Not every test waits for the end.
    this.ending.catch(() => undefined);
  }

  static async open(client: Client, token: string, last_event_id?: string): Promise<LinkStream> {
    const headers: Record<string, string> = last_event_id === undefined ? {} : { 'last-event-id': last_event_id };
    const response = await client.fetch('GET', `/v1/shared/${token}/events`, { headers });
    if (!response.ok || !response.body) throw new Error(`The stream answered ${response.status}.`);
    return new LinkStream(response.body);
  }

  /** Resolves to the problem that it ends with. */
  ended(): Promise<Json> {
    return this.ending;
  }

  private async read(body: AsyncIterable<Uint8Array>): Promise<Json> {
    for await (const { type, data, id } of readEvents(body)) {
      if (type === 'error') return JSON.parse(data);
      const event = { ...(id !== undefined && { id }), event: type, data: JSON.parse(data) };
      checkEvent('SharedEvent', event);
      this.ids.push(id);
      this.messages.push(event.data);
    }
    throw new Error('The stream ended without a word.');
  }
}
