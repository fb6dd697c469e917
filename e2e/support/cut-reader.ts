import { readEvents, type SseEvent } from '../../scripts/start/sse';
import { checkEvent } from './api-document';
import type { Client, Json } from './client';
import { eventually } from './eventually';

/** A stream that can be read on: of a run, or of a conversation. */
export interface Source {
  union: 'RunEvent' | 'ConversationEvent';
  path: string;
  /** The `Last-Event-ID` of who has nothing. */
  first: string;
}

/** An event as a stream told it. Those of runs in a conversation's stream have no id of their own. */
export interface Told {
  id?: number | string;
  type: string;
  data: Json;
}

/** No stream of a test is read for longer. */
const LONGEST_MS = 60_000;

/** A client of a stream that stops reading where it wants to, is cut there, and goes on elsewhere. */
export class CutReader {
  readonly seen: Told[] = [];
  private readonly control = new AbortController();
  private events: AsyncGenerator<SseEvent> | undefined;

  private constructor(
    private readonly source: Source,
    private readonly last: string,
  ) {}

  /** Opens the stream behind the event `last`. A gateway that cannot for now is asked again, as it says. */
  static async open(client: Client, source: Source, last = source.first): Promise<CutReader> {
    const reader = new CutReader(source, last);
    await eventually(() => reader.connect(client));
    return reader;
  }

  /** Reads on until the event, and no further. Throws where the stream ends before. */
  async readTo(isLast: (event: Told) => boolean): Promise<void> {
    try {
      let event: Told | undefined;
      do event = await this.next();
      while (event && !isLast(event));
      if (!event) throw new Error('The stream has ended.');
    } catch (cause) {
      const types = this.seen.map(({ type, data }) => data.type ?? type).join(', ');
      throw new Error(`What is waited for does not come at ${this.source.path} behind ${this.last}: ${types}.`, {
        cause,
      });
    }
  }

  async readToEnd(): Promise<void> {
    while (await this.next());
  }

  leave(): void {
    this.control.abort();
  }

  /** Another reader that goes on behind what this one has. */
  resume(client: Client): Promise<CutReader> {
    const known = this.seen.findLast(({ id }) => id !== undefined)?.id;
    return CutReader.open(client, this.source, String(known ?? this.last));
  }

  private async connect(client: Client): Promise<void> {
    const headers = { 'last-event-id': this.last };
    const signal = AbortSignal.any([this.control.signal, AbortSignal.timeout(LONGEST_MS)]);
    const response = await client.fetch('GET', this.source.path, { headers, signal });
    if (!response.ok || !response.body)
      throw new Error(`The stream answered ${response.status}: ${await response.text()}`);
    // Locked at once: fetch cancels a body that nobody has begun to read when its response is collected as garbage.
    this.events = readEvents(response.body.values());
  }

  private async next(): Promise<Told | undefined> {
    const { value } = (await this.events?.next()) ?? {};
    if (!value) return undefined;
    const { union } = this.source;
    const event = {
      ...(value.id !== undefined && { id: union === 'RunEvent' ? Number(value.id) : value.id }),
      ...{ type: value.type, data: JSON.parse(value.data) },
    };
    const { type, ...rest } = event;
    checkEvent(union, { ...rest, event: type });
    this.seen.push(event);
    return event;
  }
}
