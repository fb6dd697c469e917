import { randomUUID } from 'node:crypto';
import { ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ProblemError, type ProblemCode } from '@taai/contracts';
import { dialectAt, type Dialect } from '@taai/dialects';
import { runInContext } from '@taai/tenant';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerProblem, problemBody, problemHeaders, toProblem } from './problem.filter';
import { inContextOf, record, recordAnswer } from './request-hooks';
import { earlyHeaders } from './security-headers';

const codes: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** Answers bytes that are no request, or did not become one in time, and closes the connection. */
export function answerUnreadable({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.writable && code !== 'ECONNRESET' && !hasBegunToAnswer(socket)) {
    const request_id = randomUUID();
    const problem = new ProblemError(codes[code ?? ''] ?? 'malformed_request');
    runInContext({ request_id }, () => {
      socket.write(bareAnswer(problem, request_id));
      recordAnswer({ method: 'unknown', route: 'unreadable', status: problem.status, ms: 0 });
    });
  }
  socket.destroy();
}

/** Answers a URL that leads to no router: its escapes are broken, or an id in it is too long. */
export function answerUnroutable(
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
  dialects: readonly Dialect[],
): void {
  inContextOf(request, reply, () => {
    answerProblem(toProblem(error), reply.headers(earlyHeaders), dialectAt(request.url, dialects));
    record(request, reply);
  });
}

/** Node keeps the response that a socket is busy with in a property without a public name. */
function hasBegunToAnswer(socket: Socket): boolean {
  const response: unknown = Reflect.get(socket, '_httpMessage');
  return response instanceof ServerResponse && response.headersSent;
}

function bareAnswer(problem: ProblemError, requestId: string): string {
  const body = problemBody(problem);
  const headers = {
    ...problemHeaders(problem),
    ...earlyHeaders,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${body}`;
}
