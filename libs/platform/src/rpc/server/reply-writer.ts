import { setTimeout as sleep } from 'node:timers/promises';
import { ReplyError } from 'ioredis';
import { keys } from '../../redis/keys';
import { messageOf } from '../../redis/redis';
import { encodeReply, type Reply } from '../wire/envelope';
import type { Link } from '../wire/link';
import type { OnError } from '../wire/observation';
import { Outstanding } from '../wire/outstanding';
import { TickBuffer } from '../wire/tick-buffer';

/** Frames that may wait for a caller; one that goes on not reading them is gone. */
const MAX_FRAMES = 1000;
const LIST_TTL_MS = 60_000;
/** Replies that may wait while Redis is away; their callers give up at their deadlines. */
const MAX_WAITING = 10_000;
const MAX_TRIES = 5;
const CROWDED_MS = 50;
const REFUSED_MS = 200;

interface Outgoing {
  text: string;
  tries: number;
}

/** Puts replies into the lists of their callers: those of one tick and caller as one frame. */
export class ReplyWriter {
  private readonly buffer: TickBuffer<Outgoing>;
  private readonly unsent = new Outstanding();

  constructor(
    private readonly link: Link,
    private readonly onError: OnError,
  ) {
    const write = (list: string, replies: Outgoing[]) => void this.push(list, replies);
    this.buffer = new TickBuffer({ link, sizeOf: ({ text }) => text.length, write });
  }

  send(caller: string, reply: Reply): void {
    if (this.unsent.size >= MAX_WAITING) return;
    this.unsent.begin();
    this.buffer.add(keys.rpcReplies(caller), { text: encodeReply(reply), tries: 0 });
  }

  /** Resolves when there is room for a stream's output, or it is aborted: streams leave half of the room to other calls. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.unsent.size >= MAX_WAITING / 2 && !signal.aborted) await this.unsent.none(CROWDED_MS);
  }

  /** Resolves when every reply is in Redis, and after `ms` in any case. */
  flushed(ms: number): Promise<void> {
    return this.unsent.none(ms);
  }

  private async push(list: string, replies: Outgoing[]): Promise<void> {
    try {
      const frame = replies.map(({ text }) => text).join('\n');
      const accepted = await this.link.push(list, MAX_FRAMES, LIST_TTL_MS, [frame]);
      if (accepted > 0) this.unsent.end(replies.length);
      else void this.refused(list, replies);
    } catch (error) {
      for (const reply of replies) this.retry(list, reply, error);
    }
  }

  /** A caller that stood still for a moment reads on; one that is gone does not. Streams write small frames that fill a list quickly. */
  private async refused(list: string, replies: Outgoing[]): Promise<void> {
    await sleep(REFUSED_MS);
    for (const reply of replies) {
      if (++reply.tries < MAX_TRIES) this.buffer.add(list, reply);
      else this.unsent.end();
    }
  }

  /** After a cut nobody knows whether the frame arrived. A reply that comes twice is ignored, one that is lost is missed. */
  private retry(list: string, reply: Outgoing, error: unknown): void {
    if (!(error instanceof ReplyError) && ++reply.tries < MAX_TRIES) return this.buffer.add(list, reply);
    this.unsent.end();
    this.onError(new Error(`A reply was not sent: ${messageOf(error)}`), {});
  }
}
