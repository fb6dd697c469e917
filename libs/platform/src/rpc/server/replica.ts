import { randomUUID } from 'node:crypto';
import { isCancellable, ProblemError } from '@taai/contracts';
import { NO_TENANT, type Waiter } from '@taai/tenant';
import type { ContextTokens } from '../../crypto/context-token';
import type { Fernet } from '../../crypto/fernet';
import { Periodic } from '../../periodic';
import { keys } from '../../redis/keys';
import {
  decodeRequest,
  encodeRequest,
  lostReply,
  problemReply,
  type Reply,
  type Request,
  type RequestHead,
} from '../wire/envelope';
import type { Observe } from '../wire/in-flight';
import { Link } from '../wire/link';
import { ActiveRequests } from './active-requests';
import { CancellableCalls, type CancellableCall } from './cancellable-calls';
import { abortedReply, Executor, type ServedMethod } from './executor';
import { Lane } from './lane';
import { ReplyWriter, type OnError } from './reply-writer';

const MAX_HOPS = 3;
/** How long a replica leaves its list alone after forwarding a request, so that another one takes it. */
const FORWARD_PAUSE_MS = 20;
const DRAIN_MS = 10_000;
/** How long aborted calls may take to end. */
const ABORT_MS = 1000;
const FLUSH_MS = 2000;
/** How long a request waits for its turn at most, whatever its deadline is: its caller had better ask again. */
const MAX_WAIT_MS = 5000;
/** Before its deadline: what begins so late is of no use, and a refusal has to arrive in time. */
const TOO_LATE_MS = 100;
const ALIVE_MS = 1000;
/** Within it a replica that starts anew still finds the requests of its callers; behind it they are refused at once. */
const ALIVE_TTL_MS = 4000;

export interface ReplicaOptions {
  service: string;
  redisUrl: string;
  tokens: ContextTokens;
  fernet: Fernet;
  slots: number;
  longSlots: number;
  methods: ReadonlyMap<string, ServedMethod>;
  observe: Observe;
  onError: OnError;
}

/** Serves as one process of a service: reads requests from the service's lists, answers them, and shuts down without losing one. */
export class Replica {
  private readonly link: Link;
  private readonly lanes: Lane[];
  private readonly replies: ReplyWriter;
  private readonly active: ActiveRequests;
  private readonly cancellable: CancellableCalls;
  private readonly executor: Executor;
  private readonly living = new Periodic(ALIVE_MS, () => this.tellAlive());
  /** Names the list that callers cancel their calls and grant outputs by. */
  private readonly name: string;

  constructor(private readonly options: ReplicaOptions) {
    const { service, redisUrl, slots, longSlots, tokens, fernet, observe, onError } = options;
    const serve = (element: string, lane: Lane) => this.serve(element, lane);
    this.name = `${service}:${randomUUID()}`;
    this.link = new Link(redisUrl, `${service}:replies`);
    this.replies = new ReplyWriter(this.link, this.name, onError);
    this.active = new ActiveRequests((caller, ids) => this.heartbeat(caller, ids));
    this.cancellable = new CancellableCalls({ redisUrl, replica: this.name, link: this.link });
    this.executor = new Executor({ clock: this.link.clock, tokens, fernet, replies: this.replies, observe, onError });
    this.lanes = [
      new Lane({ service, name: 'short', redisUrl, slots, serve }),
      new Lane({ service, name: 'long', redisUrl, slots: longSlots, serve }),
    ];
  }

  /** Throws when Redis does not answer. */
  async start(): Promise<void> {
    await this.link.connect();
    this.link.onReady(() => this.living.wake());
    await this.tellAlive();
    this.living.wake();
    for (const lane of this.lanes) lane.start();
  }

  /** Stops reading, waits for active requests (10 s at most), aborts the rest, and disconnects when the replies are sent. */
  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.stop(this.link)));
    await this.active.drain(DRAIN_MS);
    this.cancellable.abort();
    for (const { caller, id } of await this.active.drain(ABORT_MS)) this.replies.send(caller, lostReply(id));
    await this.cancellable.close();
    await this.living.stop();
    await this.replies.flushed(FLUSH_MS);
    this.link.close();
  }

  /** What fails is done again a second later, or when Redis is back. */
  private async tellAlive(): Promise<void> {
    const alive = keys.rpcAlive(this.options.service);
    await this.link.command((redis) => redis.set(alive, '', 'PX', ALIVE_TTL_MS)).catch(() => undefined);
  }

  private heartbeat(caller: string, ids: readonly string[]): void {
    this.replies.send(caller, { kind: 'heartbeat', id: this.name, json: JSON.stringify(ids) });
  }

  private serve(element: string, lane: Lane): void {
    const request = this.decode(element);
    if (!request) return;
    const served = this.options.methods.get(request.head.rpc);
    if (!served) void this.forward(request, lane);
    else if (isCancellable(served.method)) this.serveCancellable(request, served, lane);
    else this.serveOrdinary(request, served, lane);
  }

  /** A request that waits for its turn can be cancelled, and one that has begun goes on. */
  private serveOrdinary(request: Request, served: ServedMethod, lane: Lane): void {
    const { head } = request;
    const waiting = { call: undefined as CancellableCall | undefined };
    const endOfWait = () => waiting.call && this.cancellable.end(waiting.call);
    const begin = () => {
      endOfWait();
      return this.executor.answer(request, served);
    };
    const waiter = this.work(head, lane, begin, endOfWait);
    if (!lane.isWaiting(waiter)) return;
    waiting.call = this.cancellable.begin(head, false);
    if (waiting.call) dropOnAbort(waiting.call, lane, waiter);
  }

  /** Sends the heartbeat of a stream at once. It begins when its caller grants the first outputs. */
  private serveCancellable(request: Request, served: ServedMethod, lane: Lane): void {
    const { head } = request;
    const isStream = served.method.stream === true;
    const call = this.cancellable.begin(head, isStream);
    if (!call) return;
    if (isStream) this.heartbeat(head.caller, [head.id]);
    const waiter = this.work(
      head,
      lane,
      () => this.executor.answer(request, served, call),
      () => this.cancellable.end(call),
    );
    dropOnAbort(call, lane, waiter);
  }

  /** Has a request answered when it is the turn of its tenant, or refused: what was refused never began. */
  private work(head: RequestHead, lane: Lane, answer: () => Promise<Reply | undefined>, onEnd?: () => void): Waiter {
    const { tenant = NO_TENANT, deadline, rpc, id, caller } = head;
    const slot = this.active.add(head);
    const end = (reply: Reply | undefined) => {
      this.active.remove(slot);
      onEnd?.();
      if (reply) this.replies.send(caller, reply);
    };
    const waiter: Waiter = {
      tenant,
      deadline: Math.min(this.link.clock.local(deadline) - TOO_LATE_MS, performance.now() + MAX_WAIT_MS),
      begin: () => {
        void answer().then((reply) => {
          end(reply);
          lane.leave(tenant);
        });
      },
      refuse: (problem) => {
        this.options.observe({ rpc, ms: 0, code: problem.code });
        end(abortedReply(id, problem));
      },
    };
    lane.enter(waiter);
    return waiter;
  }

  /** Returns undefined for an element that cannot be read, and for a request whose deadline has passed. */
  private decode(element: string): Request | undefined {
    try {
      const request = decodeRequest(element);
      if (request.head.deadline > this.link.clock.now()) return request;
      this.options.observe({ rpc: request.head.rpc, ms: 0, code: 'deadline_exceeded' });
    } catch (error) {
      this.options.onError(error, {});
    }
    return undefined;
  }

  /** Puts the request back to the front of the list: a replica of another version may know the method. */
  private async forward({ head, body }: Request, lane: Lane): Promise<void> {
    const hops = head.hops + 1;
    if (hops > MAX_HOPS)
      return this.replies.send(head.caller, problemReply(head.id, new ProblemError('unknown_method')));
    lane.pause(FORWARD_PAUSE_MS);
    const slot = this.active.add(head);
    try {
      await this.link.command((redis) => redis.rpush(lane.list, encodeRequest({ ...head, hops }, body)));
    } catch {
      this.replies.send(head.caller, lostReply(head.id));
    }
    this.active.remove(slot);
  }
}

/** Lets a request go that waits for its turn when nobody waits for it any more, or the replica leaves. */
function dropOnAbort(call: CancellableCall, lane: Lane, waiter: Waiter): void {
  const drop = () => {
    if (call.abortedFor && lane.withdraw(waiter)) waiter.refuse(call.abortedFor);
  };
  call.signal.addEventListener('abort', drop, { once: true });
}
