import { randomUUID } from 'node:crypto';
import { isSteered, ProblemError } from '@taai/contracts';
import type { ContextTokens } from '../../crypto/context-token';
import type { Fernet } from '../../crypto/fernet';
import {
  decodeRequest,
  encodeRequest,
  lostReply,
  problemReply,
  type Reply,
  type Request,
  type RequestHead,
} from '../wire/envelope';
import { Executor, type ServedMethod } from './executor';
import { Holdings } from './holdings';
import { Lane } from './lane';
import { Link } from '../wire/link';
import type { Observe, OnError } from '../wire/observation';
import { ReplyWriter } from './reply-writer';
import { Steering } from './steering';

const MAX_HOPS = 3;
/** How long a replica leaves its list alone after handing a request on, so that another one takes it. */
const HAND_ON_PAUSE_MS = 20;
const DRAIN_MS = 10_000;
/** How long what was aborted may take to end. */
const ABORT_MS = 1000;
const FLUSH_MS = 2000;

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

/** One process of a service: takes requests from the service's lists, answers them, and leaves without losing one. */
export class Replica {
  private readonly link: Link;
  private readonly lanes: Lane[];
  private readonly replies: ReplyWriter;
  private readonly holdings: Holdings;
  private readonly steering: Steering;
  private readonly executor: Executor;
  /** Names the list that callers steer their calls by. */
  private readonly name: string;

  constructor(private readonly options: ReplicaOptions) {
    const { service, redisUrl, slots, longSlots, tokens, fernet, observe, onError } = options;
    const serve = (element: string, lane: Lane) => this.serve(element, lane);
    this.name = `${service}:${randomUUID()}`;
    this.link = new Link(redisUrl, `${service}:replies`);
    this.replies = new ReplyWriter(this.link, onError);
    this.holdings = new Holdings((caller, ids) => this.report(caller, ids));
    this.steering = new Steering({ redisUrl, replica: this.name, link: this.link });
    this.executor = new Executor({ tokens, fernet, replies: this.replies, observe, onError });
    this.lanes = [
      new Lane({ service, name: 'short', redisUrl, slots, serve }),
      new Lane({ service, name: 'long', redisUrl, slots: longSlots, serve }),
    ];
  }

  /** Throws when Redis does not answer. */
  async start(): Promise<void> {
    await this.link.connect();
    for (const lane of this.lanes) lane.start();
  }

  /** Takes no more requests, finishes those at hand (10 s at most), aborts the rest, and leaves when the replies are out. */
  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.stop(this.link)));
    await this.holdings.drain(DRAIN_MS);
    this.steering.abort();
    for (const { caller, id } of await this.holdings.drain(ABORT_MS)) this.replies.send(caller, lostReply(id));
    await this.steering.close();
    await this.replies.flushed(FLUSH_MS);
    this.link.close();
  }

  private report(caller: string, ids: readonly string[]): void {
    this.replies.send(caller, { kind: 'held', id: this.name, json: JSON.stringify(ids) });
  }

  private serve(element: string, lane: Lane): void {
    const request = this.decode(element);
    if (!request) return;
    const served = this.options.methods.get(request.head.rpc);
    if (!served) this.work(request.head, lane, () => this.handOn(request, lane));
    else if (isSteered(served.method)) this.serveSteered(request, served, lane);
    else this.work(request.head, lane, () => this.executor.answer(request, served));
  }

  /** A stream is offered to its caller at once, and begun when the caller grants the first outputs. */
  private serveSteered(request: Request, served: ServedMethod, lane: Lane): void {
    const { head } = request;
    const isStream = served.method.stream === true;
    const call = this.steering.begin(head, isStream);
    if (!call) return;
    if (isStream) this.report(head.caller, [head.id]);
    this.work(head, lane, () => this.executor.answer(request, served, call).finally(() => this.steering.end(call)));
  }

  private work(head: RequestHead, lane: Lane, begin: () => Promise<Reply | undefined>): void {
    lane.begin();
    const held = this.holdings.add(head);
    void begin().then((reply) => {
      this.holdings.remove(held);
      lane.end();
      if (reply) this.replies.send(head.caller, reply);
    });
  }

  /** Nothing for what is unreadable, and for what nobody waits for any more. */
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

  /** A replica of another version may know the method: the request goes back to the front of the list. */
  private async handOn({ head, body }: Request, lane: Lane): Promise<Reply | undefined> {
    const hops = head.hops + 1;
    if (hops > MAX_HOPS) return problemReply(head.id, new ProblemError('unknown_method'));
    lane.pause(HAND_ON_PAUSE_MS);
    try {
      await this.link.command((redis) => redis.rpush(lane.list, encodeRequest({ ...head, hops }, body)));
      return undefined;
    } catch {
      return lostReply(head.id);
    }
  }
}
