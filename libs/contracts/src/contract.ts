import type { WireUse } from './orchestrator/run-wire';

/** Each has a role of its own in the database. */
export const databaseServices = ['auth', 'task', 'chat', 'orchestrator', 'usage', 'webhook'] as const;
export type DatabaseService = (typeof databaseServices)[number];

/** Something of each service's own. */
export const byDatabaseService = <T>(make: (service: DatabaseService) => T): Record<DatabaseService, T> => ({
  auth: make('auth'),
  task: make('task'),
  chat: make('chat'),
  orchestrator: make('orchestrator'),
  usage: make('usage'),
  webhook: make('webhook'),
});

export const services = ['gateway', ...databaseServices] as const;
export type ServiceName = (typeof services)[number];

export type HttpVerb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type Route = `${HttpVerb} /${string}`;
export type Permission = `${string}:${string}`;

/** What is asked of a caller: nothing, a valid token or API key, a logged-in user (no API key will do), or a permission. */
export type Access = 'public' | 'authenticated' | 'session' | Permission;

/**
 * What a repeated execution would do, and so whether the transport may retry: `safe` reads, `idempotent` changes nothing the
 * second time, `once` must not be repeated. `once_per_key` is `once` until a user's request carries an Idempotency-Key: then
 * repetitions within 24 hours are answered what the first was, because its handler does its work in the transaction of the key.
 */
export type Effect = 'safe' | 'idempotent' | 'once' | 'once_per_key';

export type Class<T = object> = new () => T;

/** Stands for a type that has no class, as the input or output of a method without a route: nobody validates or documents it. */
export function typed<T extends object>(): Class<T>;
export function typed(): Class {
  return Object;
}

/** The output of a method that answers nothing (204). The mark keeps TypeScript from taking every class for it. */
export class Nothing {
  declare protected readonly nothing: never;
}

export interface EventDescription {
  description: string;
  data: Class;
  /** What who subscribes to it must be allowed: it tells what belongs to others. */
  access?: Permission;
}

/** Events of one stream, told apart by their type: what each tells, and the class of its data. */
export interface EventTable {
  /** Names the union of the events in the API document. */
  name: string;
  /** Begins the names of the single events there, where other tables have events of the same type. */
  prefix?: string;
  /** What stands for their ids in a stream where some events have one and others none; all are numbered 1, 2, … if absent. */
  ids?: { description: string; format: string };
  types: Record<string, EventDescription>;
}

/** The data of each type of event in the table. */
export type DataOf<E extends EventTable> = { [T in keyof E['types']]: InstanceType<E['types'][T]['data']> };

/** How much JSON a route takes. */
export interface BodyLimits {
  /** Unpacked. */
  bytes: number;
  /** Keys and items, those within others included. */
  values: number;
  /** Files in it besides, as data URLs: they are taken out of it as it comes. */
  file_bytes?: number;
}

/** What calls are limited by besides the caller's plan. */
export interface MethodLimit {
  /** Calls per minute of one user, or of one network at public routes. `endpoints` of a tenant's limits go before it. */
  per_minute?: number;
  /** Nothing but this is counted: calls take nothing from the tenant's and the user's limits. */
  alone?: true;
  /** Models answer: what they read and write counts among the tenant's tokens. */
  tokens?: true;
}

interface MethodBase {
  summary: string;
  input: Class;
  output: Class;
  effect: Effect;
  /** Runs in the service's second lane, so that short calls never wait behind it. */
  long?: true;
  /** Answers with any number of outputs, one after another, as its caller reads them. Always in the second lane. */
  stream?: true;
  /** A plain answer whose handler is told when its caller has left. */
  cancellable?: true;
  /** Input or output holds a secret (a password, a token, a key): both are encrypted on their way through Redis. */
  secret?: true;
  limit?: MethodLimit;
  /** Milliseconds from call to answer; 5,000 if absent. */
  timeout_ms?: number;
  /** How much JSON its route takes; what `bodyLimitsOf` says if absent. */
  body?: BodyLimits;
}

/** A method that clients reach through the gateway; any service may call it too, with its caller's token. */
interface ClientMethod extends MethodBase {
  access: Access;
  /** What the summary leaves out, for the API document: errors worth knowing, limits. Without it the generation fails. */
  description?: string;
}

/** A method that clients call by an event of a socket: the event's payload is its input, its output acknowledges the event. */
export interface SocketMethod extends ClientMethod {
  socket: { namespace: `/${string}`; event: string };
}

/** A request header that a route reads. */
export interface HeaderText {
  description: string;
  example: string;
  /** The field of the input that it is another door to: it goes before what the query says, under the same rules. */
  field?: string;
}

/** A method with a route at the gateway. */
export interface PublicMethod extends ClientMethod {
  http: Route;
  /** HTTP status of success; 201 for an output of POST, 204 for none, else 200. */
  status?: 200 | 201 | 202;
  /** Seconds for which anybody may cache a success; without it nobody may. */
  max_age?: number;
  /** The gateway has a controller of its own for the route (SSE); it is documented all the same. */
  custom?: true;
  /** Request headers that the route reads. */
  headers?: Record<string, HeaderText>;
  /** The body is no JSON but a form (`multipart/form-data`): the input's fields, and one part `file`. */
  upload?: true;
  /** What such a route answers, if not JSON. */
  media_type?: 'application/gzip' | 'application/octet-stream' | 'text/event-stream';
  /** The types of the files that such a route answers with, where there are several to choose from. */
  file_types?: readonly string[];
  /** The events that such a route streams as SSE: where it is asked to, or always, as its `media_type` says. */
  events?: EventTable;
  /** The events are told in the formats of UIs, too, where `format` or `Accept` asks for one. */
  wires?: WireUse;
}

/** A method for clients too, whose routes are those of the APIs that `libs/dialects` speaks. */
export interface DialectMethod extends MethodBase {
  access: Access;
}

/** A method for other services alone: they call it with a token of their own, on behalf of a tenant. */
export interface InternalMethod extends MethodBase {
  callers: readonly ServiceName[];
}

export type Method = PublicMethod | DialectMethod | SocketMethod | InternalMethod;
export type Methods = Record<string, Method>;

export interface Contract<M extends Methods = Methods> {
  /** `task` or `orchestrator.agent`: the service, and the noun where a service has several. */
  name: string;
  service: ServiceName;
  methods: M;
}

export type InputOf<M extends Method> = InstanceType<M['input']>;
export type OutputOf<M extends Method> = M['output'] extends typeof Nothing ? void : InstanceType<M['output']>;

/**
 * What a handler class of the contract must offer: one method each, same names, same shapes. The signal of a `stream` or
 * `cancellable` method aborts, with a ProblemError as its reason, when the caller has left (`cancelled`), at the deadline
 * (`deadline_exceeded`), and when the replica leaves without having been able to finish (`replica_lost`). A handler that
 * pays no heed to it goes on to its end, in its slot, for nobody.
 */
export type Handler<C extends Contract> = {
  [K in keyof C['methods']]: HandlerMethod<C['methods'][K]>;
};

type HandlerMethod<M extends Method> = M extends { stream: true }
  ? (input: InputOf<M>, signal: AbortSignal) => AsyncIterable<OutputOf<M>>
  : M extends { cancellable: true }
    ? (input: InputOf<M>, signal: AbortSignal) => Promise<OutputOf<M>>
    : (input: InputOf<M>) => Promise<OutputOf<M>>;

/** One entry of a service's catalog under its RPC name, as the transport and the guards see it. */
export interface BoundMethod<M extends Method = Method> {
  /** `task.create`, `orchestrator.agent.create`. */
  rpc: string;
  service: ServiceName;
  method: M;
}

/** Whether the caller can end the work: the handler is given an AbortSignal. */
export const isCancellable = ({ stream, cancellable }: Method): boolean => (stream ?? cancellable) === true;

/** Whether clients reach it, as its `access` allows. */
export const isPublic = (method: Method): method is PublicMethod | SocketMethod => 'access' in method;

export const isInternal = (method: Method): method is InternalMethod => 'callers' in method;

/** A service's catalog: the single source for RPC names, routes, validation, permissions, OpenAPI and the client's types. */
export function contract<const M extends Methods>(
  name: ServiceName | `${ServiceName}.${string}`,
  methods: M,
): Contract<M> {
  return { name, service: name.split('.')[0] as ServiceName, methods };
}

/** One method of a contract, ready to be called. */
export function bind<M extends Methods, K extends keyof M & string>(contract: Contract<M>, key: K): BoundMethod<M[K]> {
  return { rpc: `${contract.name}.${key}`, service: contract.service, method: contract.methods[key] };
}

export const boundMethods = (contract: Contract): BoundMethod[] =>
  Object.keys(contract.methods).map((key) => bind(contract, key));
