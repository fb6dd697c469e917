import { ProblemError } from '@taai/contracts';
import { ReplyError } from 'ioredis';
import { keys } from '../../redis/keys';
import { createRedis, type RedisClient } from '../../redis/redis';
import { decodeFrame, encodeControl, encodeControls, encodeRequest, type Control, type Reply } from '../wire/envelope';
import type { Observe } from '../wire/in-flight';
import { Link } from '../wire/link';
import { ListReader, ListWriter } from '../wire/lists';
import { PendingCalls } from './pending';
import { isRepeatable, overloaded, replicaLost, unavailable, type PendingCall } from './pending-call';

const FRAMES_PER_READ = 64;
const LIMITS = { calls: 10_000, characters: 128_000_000 };
const CLOSE_MS = 10_000;
/** Longer than any deadline: what is left of a service that has been down for so long serves nobody. */
const REQUESTS_TTL_MS = 900_000;
/** Elements that may wait for a replica; one that does not read them is gone. */
const MAX_WAITING = 1000;
const CONTROLS_TTL_MS = 60_000;

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
      isListening: () => this.replies.isListening,
      send: (call) => writer.send(call),
      withdraw: (call) => writer.withdraw(call),
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

interface Withdrawal {
  call: PendingCall;
  resolve: (isCertain: boolean) => void;
}

const listOf = ({ bound: { service, method } }: PendingCall) =>
  keys.rpcRequests(service, method.long || method.stream ? 'long' : 'short');

interface RequestWriterOptions {
  link: Link;
  /** How many requests may wait in one list. */
  maxQueue: number;
  fail: (call: PendingCall, problem: ProblemError) => void;
}

/** Puts calls into the lists of their services, if a replica lives: those of one tick, service and lane in one command. */
class RequestWriter {
  private readonly buffer: ListWriter<PendingCall>;
  private readonly withdrawn: ListWriter<Withdrawal>;

  constructor(private readonly options: RequestWriterOptions) {
    const { link } = options;
    const push = (list: string, calls: PendingCall[]) => void this.push(list, calls);
    const pull = (list: string, withdrawals: Withdrawal[]) => void this.pull(list, withdrawals);
    this.buffer = new ListWriter({ link, sizeOf: ({ body }) => body.length, write: push });
    this.withdrawn = new ListWriter({ link, sizeOf: ({ call }) => call.body.length, write: pull });
  }

  send(call: PendingCall): void {
    this.buffer.add(listOf(call), call);
  }

  /** Takes the call out of the list of its service. Resolves to whether that is certain to be all there was of it. */
  withdraw(call: PendingCall): Promise<boolean> {
    if (call.pushes === 0) return Promise.resolve(true);
    return new Promise((resolve) => this.withdrawn.add(listOf(call), { call, resolve }));
  }

  private async push(list: string, calls: PendingCall[]): Promise<void> {
    const { link, maxQueue } = this.options;
    const open = calls.filter(({ settled }) => !settled);
    const [first] = open;
    if (!first) return;
    try {
      const elements = open.map((call) => this.encode(call));
      for (const call of open) call.pushes++;
      const alive = keys.rpcAlive(first.bound.service);
      const accepted = await link.pushToLiving(list, alive, maxQueue, REQUESTS_TTL_MS, elements);
      for (const call of open.slice(accepted ?? 0))
        this.refused(call, accepted === undefined ? unavailable() : overloaded());
    } catch (error) {
      for (const call of open) this.failed(call, error);
    }
  }

  private async pull(list: string, withdrawals: Withdrawal[]): Promise<void> {
    const elements = withdrawals.map(({ call }) => this.encode(call));
    const found = await this.options.link.withdraw(list, elements).catch((): number[] => []);
    withdrawals.forEach(({ call, resolve }, index) => resolve(found[index] === call.pushes));
  }

  /** Fails a call that Redis did not take in, unless it was pushed before: then it may be under way. */
  private refused(call: PendingCall, problem: ProblemError): void {
    if (--call.pushes === 0) this.options.fail(call, problem);
    else if (call.attempts > 1) this.options.fail(call, replicaLost(call));
  }

  private encode({ head, body, deadline }: PendingCall): string {
    head.deadline ||= Math.ceil(this.options.link.clock.at(deadline));
    return encodeRequest(head, body);
  }

  /**
   * What Redis refused was not pushed. What was under way when the connection was cut may have been: it is sent again
   * only if a second execution does no harm, and otherwise waits for the reply that may still come.
   */
  private failed(call: PendingCall, error: unknown): void {
    if (error instanceof ReplyError) this.refused(call, unavailable());
    else if (isRepeatable(call)) this.send(call);
  }
}

/**
 * Writes grants and cancellations into the control lists of replicas. Nothing is kept for later or sent again: a grant is repeated
 * every second, and a cancellation whenever the replica's heartbeat names the call.
 */
class ControlWriter {
  private readonly buffer: ListWriter<string>;

  constructor(
    private readonly link: Link,
    private readonly caller: string,
  ) {
    const write = (list: string, lines: string[]) => void this.push(list, lines);
    this.buffer = new ListWriter({ link, sizeOf: (line) => line.length, write });
  }

  send(replica: string, control: Control): void {
    if (this.link.ready) this.buffer.add(keys.rpcControls(replica), encodeControl(control));
  }

  private async push(list: string, lines: string[]): Promise<void> {
    await this.link
      .push(list, MAX_WAITING, CONTROLS_TTL_MS, [encodeControls(this.caller, lines)])
      .catch(() => undefined);
  }
}
