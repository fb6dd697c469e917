import { ProblemError, type Method } from '@taai/contracts';
import { authorize } from '@taai/rbac';
import { runInContext, type Caller, type RequestContext } from '@taai/tenant';
import { isObservable, lastValueFrom } from 'rxjs';
import type { ContextTokens } from '../context-token';
import type { Fernet } from '../fernet';
import { decodeRequest, encodeRequest, isTooLarge, type Reply, type Request, type RequestHead } from './envelope';
import { Holdings } from './holdings';
import { Lane } from './lane';
import { Link } from './link';
import type { Observe, OnError } from './observation';
import { ReplyWriter } from './reply-writer';

const MAX_HOPS = 3;
/** How long a replica leaves its list alone after handing a request on, so that another one takes it. */
const HAND_ON_PAUSE_MS = 20;
const DRAIN_MS = 10_000;
const FLUSH_MS = 2000;

/** A method that the replica knows, by RPC name. */
export interface ServedMethod {
  method: Method;
  handle: (input: unknown, context: RequestContext) => Promise<unknown>;
}

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

  constructor(private readonly options: ReplicaOptions) {
    const { service, redisUrl, slots, longSlots, onError } = options;
    const serve = (element: string, lane: Lane) => this.serve(element, lane);
    this.link = new Link(redisUrl, `${service}:replies`);
    this.replies = new ReplyWriter(this.link, onError);
    this.holdings = new Holdings((caller, ids) =>
      this.replies.send(caller, { kind: 'held', id: '', json: JSON.stringify(ids) }),
    );
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

  /** Takes no more requests, finishes those at hand (10 s at most), and leaves when the replies are out. */
  async close(): Promise<void> {
    await Promise.all(this.lanes.map((lane) => lane.stop(this.link)));
    for (const { caller, id } of await this.holdings.drain(DRAIN_MS)) this.replies.send(caller, lostReply(id));
    await this.replies.flushed(FLUSH_MS);
    this.link.close();
  }

  private serve(element: string, lane: Lane): void {
    const request = this.decode(element);
    if (!request) return;
    const { head } = request;
    const served = this.options.methods.get(head.rpc);
    lane.begin();
    const held = this.holdings.add(head);
    void (served ? this.answer(request, served) : this.handOn(request, lane)).then((reply) => {
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

  /** Checks who asks, runs the handler in the request's context, and makes a reply of what comes of it. */
  private async answer({ head, body }: Request, { method, handle }: ServedMethod): Promise<Reply> {
    const { id, rpc, token } = head;
    const { tokens, fernet, observe } = this.options;
    const started = performance.now();
    try {
      const caller = token === undefined ? undefined : (tokens.verified(token) ?? (await tokens.verify(token)));
      authorize(method, caller);
      const context = contextOf(head, caller);
      const input: unknown = JSON.parse(method.secret ? fernet.decrypt(body) : body);
      const output = await runInContext(context, () => handle(input, context));
      const json = JSON.stringify(await valueOf(output));
      if (isTooLarge(json)) throw new Error('The answer is larger than 1.5 MB.');
      observe({ rpc, ms: performance.now() - started, code: 'ok' });
      return { kind: 'answer', id, json: method.secret ? fernet.encrypt(json) : json };
    } catch (error) {
      const problem = error instanceof ProblemError ? error : this.unexpected(error, head);
      observe({ rpc, ms: performance.now() - started, code: problem.code });
      return problemReply(id, problem);
    }
  }

  private unexpected(error: unknown, { rpc, request_id }: RequestHead): ProblemError {
    this.options.onError(error, { rpc, request_id });
    return new ProblemError('internal');
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

function contextOf(
  { request_id, traceparent, token, idempotency_key, ip, user_agent }: RequestHead,
  caller: Caller | undefined,
) {
  const context: RequestContext = { request_id };
  if (traceparent) context.traceparent = traceparent;
  if (caller) context.caller = caller;
  if (token) context.token = token;
  if (idempotency_key) context.idempotency_key = idempotency_key;
  if (ip) context.ip = ip;
  if (user_agent) context.user_agent = user_agent;
  return context;
}

/** Nest answers with an observable where interceptors are at work. */
const valueOf = (output: unknown): unknown =>
  isObservable(output) ? lastValueFrom(output, { defaultValue: null }) : (output ?? null);

const lostReply = (id: string): Reply => ({ kind: 'lost', id, json: 'null' });

const problemReply = (id: string, problem: ProblemError): Reply => ({
  kind: 'problem',
  id,
  json: JSON.stringify(problem),
});
