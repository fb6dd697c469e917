import {
  applyDecorators,
  Delete,
  Get,
  Header,
  HttpCode,
  Patch,
  Post,
  Put,
  SetMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import { Nothing, type BoundMethod, type HttpVerb, type PublicMethod, type Route } from '@taai/contracts';

const BOUND = 'route:bound-method';
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

/** Makes a controller's method the route of a contract's method: verb, path, status, access. */
export function ContractRoute(bound: BoundMethod<PublicMethod>): MethodDecorator {
  const { verb, path } = splitRoute(bound.method.http);
  return applyDecorators(
    verbs[verb](path),
    HttpCode(successStatus(bound.method)),
    Header('content-type', 'application/json; charset=utf-8'),
    Header('cache-control', cacheControl(bound.method)),
    SetMetadata(BOUND, bound),
  );
}

/** The contract's method behind the route at hand; undefined on routes without one (health, docs). */
export const findBoundMethod = (context: ExecutionContext): BoundMethod<PublicMethod> | undefined =>
  Reflect.getMetadata(BOUND, context.getHandler()) as BoundMethod<PublicMethod> | undefined;

export function boundMethodOf(context: ExecutionContext): BoundMethod<PublicMethod> {
  const bound = findBoundMethod(context);
  if (!bound) throw new Error(`${context.getClass().name}.${context.getHandler().name} has no contract.`);
  return bound;
}
