import { createParamDecorator, ValidationPipe, type ExecutionContext } from '@nestjs/common';
import {
  assertStorable,
  CreateTask,
  invalidField,
  invalidFields,
  ProblemError,
  validatorErrors,
  type InputOf,
  type Route,
  type SocketMethod,
} from '@taai/contracts';
import type { FastifyRequest } from 'fastify';
import { takeIdempotencyKey } from '../http/request-context';
import { boundMethodOf, pathNames } from './route';

/** The input of a route: its path names with the body of POST, PUT and PATCH, or with the query of GET and DELETE, never both. */
export const Input = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  takeIdempotencyKey(request);
  return inputOf(request, boundMethodOf(context).method.http);
});

/** What `Input` takes of the request, before it is validated. */
export function inputOf(request: FastifyRequest, route: Route): object {
  const source = sourceOf(request, route);
  assertStorable(source);
  return { ...source, ...(request.params as object) };
}

const takesBody = (verb: string) => verb === 'POST' || verb === 'PUT' || verb === 'PATCH';

function sourceOf(request: FastifyRequest, route: Route): object {
  const source = takesBody(request.method) ? (request.body ?? {}) : request.query;
  if (typeof source !== 'object' || source === null || Array.isArray(source)) {
    throw new ProblemError('malformed_request', 'The body must be a JSON object.');
  }
  const inPath = pathNames(route).find((name) => Object.hasOwn(source, name));
  if (inPath !== undefined) throw invalidField(inPath, 'belongs in the path alone');
  return source;
}

/** Validates inputs by their contract class: once, here, for the whole fleet. */
export const validation = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  // Else inputs without fields are refused. Unknown fields are refused all the same, by the whitelist.
  forbidUnknownValues: false,
  validateCustomDecorators: true,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
  exceptionFactory: (errors) => invalidFields(validatorErrors(errors)),
});

/** The payload of a socket's event, validated as the input of a route is. Throws what that throws. */
export async function readPayload<M extends SocketMethod>({ input }: M, payload: unknown): Promise<InputOf<M>> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw new ProblemError('malformed_request', 'The payload must be a JSON object.');
  assertStorable(payload);
  return validation.transform(payload, { type: 'custom', metatype: input }) as Promise<InputOf<M>>;
}

/** Fails the boot when a known-bad input would pass: a pipe that is silently skipped must never serve a request. */
export async function assertValidationWorks(): Promise<void> {
  const bad = { title: '', surprise: true };
  const refused = await validation.transform(bad, { type: 'custom', metatype: CreateTask }).then(
    () => false,
    (error: unknown) => error instanceof ProblemError && error.extras.errors?.length === 2,
  );
  if (!refused) throw new Error('Input validation is not in force: a known-bad task passed it.');
}
