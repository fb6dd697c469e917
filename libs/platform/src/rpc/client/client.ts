import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import {
  bind,
  boundMethods,
  catalog,
  isPublic,
  ProblemError,
  type BoundMethod,
  type Contract,
  type InputOf,
  type Method,
  type OutputOf,
  type ServiceName,
} from '@taai/contracts';
import { currentContext, timeLeft, type RequestContext } from '@taai/tenant';
import type { ContextTokens } from '../../crypto/context-token';
import type { Fernet } from '../../crypto/fernet';
import { Channel } from './channel';
import { childOf, isTooLarge, type RequestHead } from '../wire/envelope';
import type { Observe } from '../wire/in-flight';
import { ReceiveWindow } from './receive-window';
import { PendingCall, unavailable } from './pending-call';

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_MAX_QUEUE = 1000;

export interface RpcClientOptions {
  /** The calling service. */
  service: ServiceName;
  redisUrl: string;
  tokens: ContextTokens;
  /** Encrypts what holds secrets; the whole fleet has its keys. */
  fernet: Fernet;
  /** How many requests may wait in a service's list; more are refused with `overloaded`. 1,000 if absent. */
  maxQueue?: number;
  /** What `send('name', …)` knows; every contract of the fleet if absent. */
  contracts?: readonly Contract[];
  observe?: Observe;
}

export interface CallOptions {
  /** Milliseconds to the answer; the contract's, else 5,000, if absent. Never more than is left to the work that calls. */
  timeout_ms?: number;
  /** Makes a method of effect `once_per_key` repeatable, for a caller with a user; the context's if absent. */
  idempotency_key?: string;
  /** Ends the wait, with its reason. Handlers of `stream` and `cancellable` methods are told; other calls may still be executed. */
  signal?: AbortSignal;
}

/** The methods of a contract as functions. They throw ProblemErrors. */
export type Client<C extends Contract> = {
  [K in keyof C['methods']]: ClientMethod<C['methods'][K]>;
};

type ClientMethod<M extends Method> = M extends { stream: true }
  ? (input: InputOf<M>, options?: CallOptions) => AsyncIterable<OutputOf<M>>
  : (input: InputOf<M>, options?: CallOptions) => Promise<OutputOf<M>>;

/**
 * Calls methods of other services. Who calls, for whom and in which request comes from the current context. Every call ends
 * within its timeout + 100 ms: with the answer or with a ProblemError, `service_unavailable`, `deadline_exceeded`,
 * `replica_lost`, `overloaded` and `unknown_method` among them.
 *
 * A stream begins when its first output is asked for. Each output arrives once and in order, or the iteration throws, after those
 * that came before: what the handler threw, or one of these, or `stream_broken` when an output is missing. `service_unavailable`
 * when no replica takes it up within 5 s. Leaving the loop, like aborting the signal, cancels at the handler.
 */
export class RpcClient extends ClientProxy {
  /** Names this process in Redis: the list of its replies, its connections. */
  readonly caller: string;
  private readonly methods: Map<string, BoundMethod>;
  /** The connections belong to no request, whichever comes first. */
  private readonly outside = AsyncLocalStorage.snapshot();
  private channel: Channel | undefined;
  private closed = false;

  constructor(private readonly options: RpcClientOptions) {
    super();
    this.caller = `${options.service}:${randomUUID()}`;
    this.methods = new Map((options.contracts ?? catalog).flatMap(boundMethods).map((bound) => [bound.rpc, bound]));
  }

  /** Resolves when Redis answers, throws after 10 s. Calls need not wait for it. */
  override async connect(): Promise<void> {
    await this.open().link.connect();
  }

  /** Refuses new calls, waits for pending ones, 10 s at most, and leaves. */
  override async close(): Promise<void> {
    this.closed = true;
    await this.channel?.close();
  }

  /** Resolves to the method's output. Throws ProblemErrors. */
  async call(bound: BoundMethod, input: object, options?: CallOptions): Promise<unknown> {
    return JSON.parse(await this.callRaw(bound, input, options));
  }

  /** Resolves to the method's output as JSON text that nobody has parsed; `null` for nothing. */
  async callRaw(bound: BoundMethod, input: object, options: CallOptions = {}): Promise<string> {
    if (this.closed) throw unavailable();
    if (bound.method.stream) throw new Error(`${bound.rpc} is a stream.`);
    const context = currentContext();
    const token = this.cachedToken(bound, context) ?? (await this.newToken(context));
    const head = this.headOf(bound, context, token, options);
    const body = this.bodyOf(bound, input);
    const json = await new Promise<string>((resolve, reject) =>
      this.dispatch(new PendingCall(bound, head, body, timeoutOf(bound, options), resolve, reject), options),
    );
    return this.decrypted(bound, json);
  }

  /** Yields a stream's outputs. */
  async *stream(bound: BoundMethod, input: object, options?: CallOptions): AsyncGenerator<unknown, void, undefined> {
    for await (const json of this.streamRaw(bound, input, options)) yield JSON.parse(json);
  }

  /** Yields a stream's outputs as JSON texts. Only the signal breaks off a wait for the next one; `return()` takes effect after it. */
  async *streamRaw(
    bound: BoundMethod,
    input: object,
    options: CallOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    if (this.closed) throw unavailable();
    const context = currentContext();
    const token = this.cachedToken(bound, context) ?? (await this.newToken(context));
    const head = this.headOf(bound, context, token, options);
    const body = this.bodyOf(bound, input);
    const { pending } = this.open();
    const outputs: ReceiveWindow = new ReceiveWindow(() => pending.grant(call));
    const fail = (reason: unknown) => outputs.fail(reason);
    const call = new PendingCall(bound, head, body, timeoutOf(bound, options), () => undefined, fail, outputs);
    this.dispatch(call, options);
    try {
      for (let json = await outputs.take(); json !== undefined; json = await outputs.take()) {
        options.signal?.throwIfAborted();
        yield this.decrypted(bound, json);
      }
    } finally {
      pending.abandon(call);
    }
  }

  /** Makes the contract's methods typed functions. */
  for<C extends Contract>(contract: C): Client<C> {
    const call = (key: string) => {
      const bound = bind(contract, key);
      return (input: object, options?: CallOptions) =>
        bound.method.stream ? this.stream(bound, input, options) : this.call(bound, input, options);
    };
    const client: unknown = Object.fromEntries(Object.keys(contract.methods).map((key) => [key, call(key)]));
    // What makes this true stands at the other end: `@Handles` compiles only with the contract's outputs.
    return client as Client<C>;
  }

  /** Serves Nest's `send('task.create', input)`. */
  protected override publish({ pattern, data }: ReadPacket, reply: (packet: WritePacket) => void): () => void {
    const bound = this.methods.get(String(pattern));
    const canceled = new AbortController();
    const answer = bound
      ? this.call(bound, data as object, { signal: canceled.signal })
      : Promise.reject(new ProblemError('unknown_method'));
    answer.then(
      (response) => reply({ response, isDisposed: true }),
      (err: unknown) => reply({ err }),
    );
    return () => canceled.abort();
  }

  protected override dispatchEvent(): never {
    throw new Error('RPC carries requests only. Events go through the outbox.');
  }

  override unwrap(): never {
    throw new Error('The connections of the RPC client are its own.');
  }

  private open(): Channel {
    const { redisUrl, maxQueue = DEFAULT_MAX_QUEUE, observe } = this.options;
    this.channel ??= this.outside(() => new Channel({ redisUrl, caller: this.caller, maxQueue, observe }));
    return this.channel;
  }

  /** Sends the call, and ends it when the signal is aborted, or that of the request which it is made for. */
  private dispatch(call: PendingCall, { signal = currentContext()?.signal }: CallOptions): void {
    const { pending } = this.open();
    pending.open(call);
    if (signal) pending.abortOn(signal, call);
  }

  private bodyOf({ method }: BoundMethod, input: object): string {
    const json = JSON.stringify(input);
    if (isTooLarge(json)) throw new ProblemError('payload_too_large');
    return method.secret ? this.options.fernet.encrypt(json) : json;
  }

  private decrypted({ method }: BoundMethod, json: string): string {
    return method.secret ? this.options.fernet.decrypt(json) : json;
  }

  /** Passes a request's own token on; for internal methods it is a token of this service, whose name they check. */
  private cachedToken({ method }: BoundMethod, context: RequestContext | undefined): string | undefined {
    if (context?.token && isPublic(method)) return context.token;
    return context?.caller && this.options.tokens.cachedToken(context.caller);
  }

  private async newToken(context: RequestContext | undefined): Promise<string | undefined> {
    return context?.caller && this.options.tokens.mint(context.caller);
  }

  private headOf(
    { rpc, method }: BoundMethod,
    context: RequestContext | undefined,
    token: string | undefined,
    { idempotency_key = context?.idempotency_key }: CallOptions,
  ): RequestHead {
    return {
      id: '',
      caller: this.caller,
      rpc,
      deadline: 0,
      hops: 0,
      request_id: context?.request_id ?? randomUUID(),
      traceparent: childOf(context?.traceparent),
      token,
      // Keys belong to users: without one nothing keeps a repetition from doing its work again.
      idempotency_key: context?.caller?.user_id === undefined ? undefined : idempotency_key,
      ip: context?.ip,
      // Of use where a caller becomes known; elsewhere it would only make every call longer.
      user_agent: isPublic(method) && method.access === 'public' ? context?.user_agent : undefined,
      tenant: context?.caller?.tenant_id,
    };
  }
}

/** What is left to the work that calls bounds the call. */
function timeoutOf({ method }: BoundMethod, { timeout_ms }: CallOptions): number {
  const left = timeLeft();
  if (left <= 0) throw new ProblemError('deadline_exceeded');
  return Math.min(timeout_ms ?? method.timeout_ms ?? DEFAULT_TIMEOUT_MS, left);
}
