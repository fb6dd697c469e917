import { ProblemError } from '@taai/contracts';
import { keys } from '../../redis/keys';
import { createRedis, type RedisClient } from '../../redis/redis';
import { ControlWriter } from './control-writer';
import { decodeFrame, type Reply } from '../wire/envelope';
import { Link } from '../wire/link';
import { ListReader } from '../wire/list-reader';
import type { Observe } from '../wire/observation';
import { PendingCalls } from './pending';
import { RequestWriter } from './request-writer';

const FRAMES_PER_READ = 64;
const LIMITS = { calls: 10_000, characters: 128_000_000 };
const CLOSE_MS = 10_000;

export interface ChannelOptions {
  redisUrl: string;
  /** Names the list that replies come by. */
  caller: string;
  maxQueue: number;
  observe?: Observe | undefined;
}

/** Connects a calling process to Redis: requests leave on one connection, replies are read on another. */
export class Channel {
  readonly link: Link;
  readonly pending: PendingCalls;
  private readonly blocking: RedisClient;
  private readonly replies: ListReader;

  constructor(private readonly options: ChannelOptions) {
    const { redisUrl, caller, maxQueue, observe } = options;
    this.link = new Link(redisUrl, `${caller}:requests`);
    this.blocking = createRedis(redisUrl, { role: 'blocking', connectionName: `${caller}:replies`, watched: true });
    const writer = new RequestWriter({
      link: this.link,
      maxQueue,
      fail: (call, problem) => this.pending.fail(call, problem),
    });
    this.replies = new ListReader({
      redis: this.blocking,
      list: keys.rpcReplies(caller),
      room: () => FRAMES_PER_READ,
      take: (frames) => frames.forEach((frame) => this.take(frame)),
    });
    const controls = new ControlWriter(this.link, caller);
    this.pending = new PendingCalls({
      limits: LIMITS,
      listeningSince: () => this.replies.listeningSince,
      send: (call) => writer.send(call),
      control: (replica, control) => controls.send(replica, control),
      observe,
    });
    this.replies.start();
  }

  /** Waits for pending calls, 10 s at most, deletes the reply list and disconnects. */
  async close(): Promise<void> {
    await this.pending.drain(CLOSE_MS);
    await this.replies.stop(this.link);
    await this.link.command((redis) => redis.del(keys.rpcReplies(this.options.caller))).catch(() => undefined);
    this.link.close();
  }

  private take(frame: string): void {
    for (const reply of decodeFrame(frame)) this.accept(reply);
  }

  private accept({ kind, id, json }: Reply): void {
    if (kind === 'answer') this.pending.answer(id, json);
    else if (kind === 'output') this.pending.output(id, json);
    else if (kind === 'end') this.pending.end(id);
    else if (kind === 'problem') this.pending.problem(id, ProblemError.fromJSON(JSON.parse(json)));
    else if (kind === 'lost') this.pending.lost(id);
    else this.pending.heartbeat(id, JSON.parse(json) as string[]);
  }
}
