import { setTimeout as sleep } from 'node:timers/promises';
import { ReplyError } from 'ioredis';
import { keys } from '../../redis/keys';
import { messageOf } from '../../redis/redis';
import { encodeReply, type Reply } from '../wire/envelope';
import { InFlight } from '../wire/in-flight';
import type { Link } from '../wire/link';
import { ListWriter } from '../wire/lists';

/** Frames that may wait for a caller. One that keeps its list full is gone. */
const MAX_FRAMES = 1000;
const LIST_TTL_MS = 60_000;
/** Replies that may wait while Redis is away; their callers give up at their deadlines. */
const MAX_WAITING = 10_000;
const MAX_TRIES = 5;
const CROWDED_MS = 50;
const REFUSED_MS = 200;
/** How often a full list is tried again: a caller that is slow reads on within these 4 s. */
const MAX_REFUSALS = 20;

/** Receives what went wrong unexpectedly. The other side never sees the cause. */
export type OnError = (error: unknown, fields: { rpc?: string; request_id?: string }) => void;

interface Outgoing {
  text: string;
  tries: number;
}

/** Writes replies into the lists of their callers: those of one tick and caller as one frame. */
export class ReplyWriter {
  private readonly buffer: ListWriter<Outgoing>;
  private readonly unsent = new InFlight();
  /** Stands in each frame, as a heartbeat that names no call: whatever a replica sends shows that it lives. */
  private readonly signature: string;

  constructor(
    private readonly link: Link,
    replica: string,
    private readonly onError: OnError,
  ) {
    this.signature = encodeReply({ kind: 'heartbeat', id: replica, json: '[]' });
    const write = (list: string, replies: Outgoing[]) => void this.push(list, replies);
    this.buffer = new ListWriter({ link, sizeOf: ({ text }) => text.length, write });
  }

  send(caller: string, reply: Reply): void {
    if (this.unsent.size >= MAX_WAITING) return;
    this.unsent.begin();
    this.buffer.add(keys.rpcReplies(caller), { text: encodeReply(reply), tries: 0 });
  }

  /** Resolves when a stream's output may be sent, or the stream is aborted. Streams leave half of the room to other calls. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.unsent.size >= MAX_WAITING / 2 && !signal.aborted) await this.unsent.drained(CROWDED_MS);
  }

  /** Resolves when every reply is in Redis, but after `ms` at the latest. */
  flushed(ms: number): Promise<void> {
    return this.unsent.drained(ms);
  }

  private async push(list: string, replies: Outgoing[]): Promise<void> {
    try {
      const frame = [this.signature, ...replies.map(({ text }) => text)].join('\n');
      const accepted = await this.link.push(list, MAX_FRAMES, LIST_TTL_MS, [frame]);
      if (accepted > 0) this.unsent.end(replies.length);
      else void this.refused(list, replies);
    } catch (error) {
      for (const reply of replies) this.retry(list, reply, error);
    }
  }

  /** Tries again after a pause: a caller that stood still for a moment reads on, and streams fill a list quickly. */
  private async refused(list: string, replies: Outgoing[]): Promise<void> {
    await sleep(REFUSED_MS);
    for (const reply of replies) {
      if (++reply.tries < MAX_REFUSALS) this.buffer.add(list, reply);
      else this.unsent.end();
    }
  }

  /** Sends again what may have been lost with the connection: callers ignore a reply that comes twice. */
  private retry(list: string, reply: Outgoing, error: unknown): void {
    if (!(error instanceof ReplyError) && ++reply.tries < MAX_TRIES) return this.buffer.add(list, reply);
    this.unsent.end();
    this.onError(new Error(`A reply was not sent: ${messageOf(error)}`), {});
  }
}
