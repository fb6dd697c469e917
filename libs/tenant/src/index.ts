import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServiceName } from '@taai/contracts';

export * from './fair-share';

/** Who a piece of work is done for. */
export interface Caller {
  tenant_id: string;
  /** Absent for work that no user asked for. */
  user_id?: string;
  session_id?: string;
  api_key_id?: string;
  role?: string;
  /** `resource:action`, with `*` on either side. */
  permissions: readonly string[];
  /** The service that vouches for all this: the gateway for a request, else the service whose own work it is. */
  issuer: ServiceName;
}

/** One call, with an Idempotency-Key, of a method that is once per key: `withTenant` makes its transaction the one of the key. */
export interface OncePerKey {
  /** RPC name, `task.create`. */
  method: string;
  /** The client's Idempotency-Key. */
  key: string;
  user_id: string;
  /** SHA-256 of the input's JSON, in hex: the same key for another request is refused. */
  request_hash: string;
  transaction: 'none' | 'open' | 'committed';
}

/** What travels with a request through every service. */
export interface RequestContext {
  request_id: string;
  /** W3C trace context. */
  traceparent?: string;
  /** Absent on public routes. */
  caller?: Caller;
  /** The signed form of `caller`, forwarded unchanged from service to service. */
  token?: string;
  idempotency_key?: string;
  /** Within the handler of such a call; it does not travel on. */
  once?: OncePerKey;
  ip?: string;
  /** What the client calls itself. */
  user_agent?: string;
  /** When the work has to be done: nobody waits for it any longer. In `performance.now()` of this process; absent where nothing bounds it. */
  deadline?: number;
  /** Is aborted when whoever asked has left: calls that are made for it end with it. It does not travel on. */
  signal?: AbortSignal;
}

const storage = new AsyncLocalStorage<RequestContext>();

export const runInContext = <T>(context: RequestContext, work: () => T): T => storage.run(context, work);

export const currentContext = (): RequestContext | undefined => storage.getStore();

/** Returns the caller of the current work. Throws without one: work for nobody must not touch a tenant's data. */
export function currentCaller(): Caller {
  const caller = storage.getStore()?.caller;
  if (!caller) throw new Error('There is no caller: this work runs outside of a request and outside of runAs.');
  return caller;
}

/** Milliseconds to the deadline of the current work, negative behind it; Infinity without one. */
export const timeLeft = (): number => (storage.getStore()?.deadline ?? Infinity) - performance.now();

/** Runs `work` that others wait for too, or that must be done although nobody waits: the request's deadline does not bound it. */
export const withoutDeadline = <T>(work: () => T): T => {
  const context = storage.getStore();
  if (context?.deadline === undefined) return work();
  const unbounded = { ...context };
  delete unbounded.deadline;
  return storage.run(unbounded, work);
};

/**
 * Runs `work` for another caller than the request's, keeping the request's id and trace, dropping its token and its deadline: such
 * work may outlast the request.
 */
export const runAs = <T>(caller: Caller, work: () => T): T => {
  const { request_id = crypto.randomUUID(), traceparent } = storage.getStore() ?? {};
  return storage.run({ request_id, ...(traceparent && { traceparent }), caller }, work);
};
