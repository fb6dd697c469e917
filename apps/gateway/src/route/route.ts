import {
  applyDecorators,
  Controller,
  createParamDecorator,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  Patch,
  Post,
  Put,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import {
  assertStorable,
  invalidField,
  Nothing,
  ProblemError,
  publicMethods,
  type BoundMethod,
  type HttpVerb,
  type PublicMethod,
  type Route,
  type WireUse,
} from '@taai/contracts';
import { RouteConfig } from '@nestjs/platform-fastify';
import { RpcClient } from '@taai/platform';
import type { FastifyRequest } from 'fastify';
import type { Lasting } from '../admission/concurrency';
import { takeIdempotencyKey } from '../http/request-hooks';
import { ownBody, wireOf } from '../stream/wires/asked-wire';
import { isBody, type Body } from '../stream/wires/wire-body';

const verbs: Record<HttpVerb, (path: string) => MethodDecorator> = {
  GET: Get,
  POST: Post,
  PUT: Put,
  PATCH: Patch,
  DELETE: Delete,
};

export function splitRoute(route: Route): { verb: HttpVerb; path: string } {
  const [verb, path] = route.split(' ');
  return { verb: verb as HttpVerb, path: path as string };
}

/** The names in the path: `id` of `/v1/tasks/:id`. */
export const pathNames = (route: Route): string[] => [...route.matchAll(/:(\w+)/g)].map(([, name]) => name as string);

/** 204 for methods that answer nothing; else what the contract says; else 201 for POST and 200 for all others. */
export function successStatus({ http, output, status }: PublicMethod): number {
  if (output === Nothing) return 204;
  return status ?? (http.startsWith('POST') ? 201 : 200);
}

const cacheControl = ({ max_age }: PublicMethod) => (max_age === undefined ? 'no-store' : `public, max-age=${max_age}`);

/** Makes a controller's method the route of a contract's method: verb, path, status, access, and what its answers are counted as. */
export function ContractRoute(bound: BoundMethod<PublicMethod>, lasting?: Lasting): MethodDecorator {
  const { verb, path } = splitRoute(bound.method.http);
  return applyDecorators(
    verbs[verb](path),
    HttpCode(successStatus(bound.method)),
    Header('content-type', 'application/json; charset=utf-8'),
    Header('cache-control', cacheControl(bound.method)),
    RouteConfig({ bound, lasting }),
  );
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The contract's method behind the route; absent on routes without one (health, docs). */
    bound?: BoundMethod<PublicMethod>;
    /** What each answer is counted as while it lasts. */
    lasting?: Lasting | undefined;
  }
}

function boundMethodOf({ routeOptions }: FastifyRequest): BoundMethod<PublicMethod> {
  const { url, config } = routeOptions;
  if (!config.bound) throw new Error(`${url} has no contract.`);
  return config.bound;
}

/** The input of a route: its path names with the body of POST, PUT and PATCH, or with the query of GET and DELETE, never both. */
export const Input = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  takeIdempotencyKey(request);
  const { method } = boundMethodOf(request);
  return { ...inputOf(request, method.http, method.wires), ...fieldsInHeaders(request, method) };
});

function fieldsInHeaders({ headers }: FastifyRequest, method: PublicMethod): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, { field }] of Object.entries(method.headers ?? {})) {
    const value = headers[name.toLowerCase()];
    if (field !== undefined && value) fields[field] = value;
  }
  return fields;
}

/** What `Input` takes of the request, before it is validated. */
export function inputOf(request: FastifyRequest, route: Route, wires?: WireUse): object {
  const source = sourceOf(request, route, wires);
  assertStorable(source);
  return { ...source, ...(request.params as object) };
}

const takesBody = (verb: string) => verb === 'POST' || verb === 'PUT' || verb === 'PATCH';

/** Who creates may have nothing to say, but a change without a body is a mistake. */
const bodyOf = ({ method, body }: FastifyRequest): unknown => (method === 'POST' && body === undefined ? {} : body);

function sourceOf(request: FastifyRequest, route: Route, wires: WireUse | undefined): object {
  const given = takesBody(request.method) ? bodyOf(request) : request.query;
  if (!isBody(given)) throw new ProblemError('malformed_request', 'The body must be a JSON object.');
  const source = wires ? withoutWire(request, given, wires) : given;
  const inPath = pathNames(route).find((name) => Object.hasOwn(source, name));
  if (inPath !== undefined) throw invalidField(inPath, 'belongs in the path alone');
  return source;
}

/** The format that a UI asks for is no field, and its own body stands for that of the route. */
function withoutWire(request: FastifyRequest, { ...given }: Body, wires: WireUse): Body {
  if (!takesBody(request.method)) delete given['format'];
  return ownBody(given, wireOf(request), wires);
}

/** One controller per service, its routes derived from the contracts. Routes marked `custom` have controllers of their own. */
export function contractControllers(methods = publicMethods): Type[] {
  const derived = methods.filter(({ method }) => !method.custom);
  const byService = Map.groupBy(derived, ({ service }) => service);
  return [...byService].map(([service, methods]) => contractController(service, methods));
}

function contractController(service: string, methods: BoundMethod<PublicMethod>[]): Type {
  class ContractController {
    constructor(@Inject(RpcClient) readonly rpc: RpcClient) {}
  }
  Object.defineProperty(ContractController, 'name', { value: `${service}Controller` });
  for (const bound of methods) addRoute(ContractController.prototype, bound);
  Controller()(ContractController);
  return ContractController;
}

function addRoute(prototype: { rpc: RpcClient }, bound: BoundMethod<PublicMethod>): void {
  const descriptor = {
    // Replies pass unparsed: the service's JSON is the body.
    value(this: { rpc: RpcClient }, input: object) {
      return this.rpc.callRaw(bound, input);
    },
    configurable: true,
  };
  Object.defineProperty(prototype, bound.rpc, descriptor);
  Input()(prototype, bound.rpc, 0);
  Reflect.defineMetadata('design:paramtypes', [bound.method.input], prototype, bound.rpc);
  ContractRoute(bound)(prototype, bound.rpc, descriptor);
}
