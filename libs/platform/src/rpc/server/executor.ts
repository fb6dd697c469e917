import { ProblemError, type Method } from '@taai/contracts';
import { authorize } from '@taai/rbac';
import { runInContext, type Caller, type RequestContext } from '@taai/tenant';
import { isObservable, lastValueFrom } from 'rxjs';
import type { ContextTokens } from '../../crypto/context-token';
import type { Fernet } from '../../crypto/fernet';
import { isTooLarge, lostReply, problemReply, type Reply, type Request, type RequestHead } from '../wire/envelope';
import type { Observe } from '../wire/in-flight';
import type { Link } from '../wire/link';
import type { CancellableCall } from './cancellable-calls';
import type { OnError, ReplyWriter } from './reply-writer';

/** A method that the replica knows, by RPC name. */
export interface ServedMethod {
  method: Method;
  /** The second argument is the call's signal, if its caller can cancel it, else the request's context. */
  handle: (input: unknown, beside: RequestContext | AbortSignal) => Promise<unknown>;
}

export interface ExecutorOptions {
  clock: Link['clock'];
  tokens: ContextTokens;
  fernet: Fernet;
  replies: ReplyWriter;
  observe: Observe;
  onError: OnError;
}

/** Runs handlers and turns their outcomes into replies. */
export class Executor {
  constructor(private readonly options: ExecutorOptions) {}

  /** Authorizes the caller and runs the handler in the request's context. Resolves to no reply for a caller that has left. */
  async answer({ head, body }: Request, served: ServedMethod, call?: CancellableCall): Promise<Reply | undefined> {
    const { method, handle } = served;
    const { id, rpc, token } = head;
    const { clock, tokens, fernet, observe } = this.options;
    const started = performance.now();
    try {
      if (call?.isStream) await call.granted(1);
      const caller = token === undefined ? undefined : (tokens.cachedCaller(token) ?? (await tokens.verify(token)));
      authorize(method, caller);
      const context = contextOf(head, caller, clock.local(head.deadline));
      const input: unknown = JSON.parse(method.secret ? fernet.decrypt(body) : body);
      const output = await valueOf(await runInContext(context, () => handle(input, call?.signal ?? context)));
      const reply: Reply = call?.isStream
        ? await runInContext(context, () => this.stream(call, method, output))
        : { kind: 'answer', id, json: this.seal(method, output) };
      observe({ rpc, ms: performance.now() - started, code: 'ok' });
      return reply;
    } catch (error) {
      const aborted = call?.signal.aborted === true;
      const problem = this.problemOf(aborted ? call?.signal.reason : error, head);
      observe({ rpc, ms: performance.now() - started, code: problem.code });
      return aborted ? abortedReply(id, problem) : problemReply(id, problem);
    }
  }

  /** Sends each output when its caller has granted it; leaving the loop ends the handler's generator. */
  private async stream(call: CancellableCall, method: Method, outputs: unknown): Promise<Reply> {
    const { id, caller, rpc } = call.head;
    const { replies } = this.options;
    if (!isAsyncIterable(outputs)) throw new Error(`${rpc} is a stream, and its handler answered none.`);
    let sent = 0;
    for await (const output of outputs) {
      await call.granted(sent + 1);
      await replies.room(call.signal);
      replies.send(caller, { kind: 'output', id: `${id}/${++sent}`, json: this.seal(method, output) });
    }
    call.signal.throwIfAborted();
    return { kind: 'end', id: `${id}/${sent}`, json: 'null' };
  }

  private seal(method: Method, output: unknown): string {
    const json = JSON.stringify(output);
    if (isTooLarge(json)) throw new Error('The answer is larger than 1.5 MB.');
    return method.secret ? this.options.fernet.encrypt(json) : json;
  }

  private problemOf(error: unknown, { rpc, request_id }: RequestHead): ProblemError {
    if (error instanceof ProblemError) return error;
    this.options.onError(error, { rpc, request_id });
    return new ProblemError('internal');
  }
}

function contextOf(
  { request_id, traceparent, token, idempotency_key, ip, user_agent }: RequestHead,
  caller: Caller | undefined,
  deadline: number,
) {
  const context: RequestContext = { request_id, deadline };
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

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** Makes no reply for a caller that has cancelled, and `lost` when the replica leaves. */
export function abortedReply(id: string, problem: ProblemError): Reply | undefined {
  if (problem.code === 'cancelled') return undefined;
  return problem.code === 'replica_lost' ? lostReply(id) : problemReply(id, problem);
}
