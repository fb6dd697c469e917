import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ProblemError, problems, type ProblemCode } from '@taai/contracts';
import { dialectAt, dialects as allDialects, type Dialect } from '@taai/dialects';
import { reportError } from '@taai/platform';
import { currentContext } from '@taai/tenant';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Fastify's own refusals, before a route is reached. Their messages name the framework's terms or repeat the input. */
const fastifyCodes: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_BAD_URL: 'malformed_request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
};

const codesByStatus: Record<number, ProblemCode> = {
  405: 'method_not_allowed',
  413: 'payload_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  503: 'service_unavailable',
};

/** Every error as RFC 9457 problem+json, where a dialect is spoken in its shape. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly dialects: readonly Dialect[] = allDialects) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const problem = toProblem(error);
    if (reply.sent || reply.raw.headersSent) return void reply.raw.destroy();
    answerProblem(problem, reply, dialectAt(http.getRequest<FastifyRequest>().url, this.dialects));
  }
}

/** Answers in the words of the dialect, if one is spoken there. */
export function answerProblem(problem: ProblemError, reply: FastifyReply, dialect?: Dialect): void {
  void reply.status(problem.status).headers(problemHeaders(problem));
  if (dialect) void reply.type('application/json; charset=utf-8').send(dialect.error.write(problem));
  else void reply.send(problemBody(problem));
}

/**
 * Makes any error one that clients may read: what nobody expected becomes `internal`, and is reported, wherever in an answer it comes. What
 * a service failed with has been reported there.
 */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = fastifyCodes[stringField(error, 'code')];
  if (code) return new ProblemError(code);
  const status = statusOf(error);
  if (status === 404) return new ProblemError('not_found', 'There is no such route.');
  const known = codesByStatus[status];
  if (known ?? (status >= 400 && status < 500))
    return new ProblemError(known ?? 'malformed_request', clientDetail(error));
  reportError(error);
  return new ProblemError('internal');
}

export const problemHeaders = ({ code, retry_after }: ProblemError): Record<string, string> => ({
  'content-type': 'application/problem+json; charset=utf-8',
  'cache-control': 'no-store',
  ...(retry_after !== undefined && { 'retry-after': String(retry_after) }),
  ...(code === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
});

export const problemBody = ({ code, message, extras }: ProblemError) =>
  JSON.stringify({
    type: 'about:blank',
    title: problems[code].title,
    status: problems[code].status,
    code,
    detail: message,
    request_id: currentContext()?.request_id ?? '',
    ...(extras.errors && { errors: extras.errors }),
  });

const stringField = (error: unknown, name: string): string => {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
  return typeof value === 'string' ? value : '';
};

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
  return typeof status === 'number' ? status : 500;
}

const clientDetail = (error: unknown) => stringField(error, 'message') || undefined;
