import { randomUUID } from 'node:crypto';
import { ProblemError } from '@taai/contracts';
import { httpRequests, requestLog } from '@taai/platform';
import { runInContext } from '@taai/tenant';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const REQUEST_ID = /^[\w.:-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

const MAX_USER_AGENT = 256;

const single = (header: string | string[] | undefined) => (Array.isArray(header) ? header.join(',') : header);

/** Random enough, and taken from Node's pool of random bytes: randomBytes goes to the system for each. */
const randomHex = () => randomUUID().replaceAll('-', '');

const newTraceparent = () => `00-${randomHex()}-${randomHex().slice(16)}-01`;

/** Only what creates takes a key: the transport may repeat a call that has one. */
function idempotencyKeyOf({ method, headers }: FastifyRequest): string | undefined {
  const key = method === 'POST' ? single(headers['idempotency-key']) : undefined;
  if (key !== undefined && !IDEMPOTENCY_KEY.test(key)) {
    throw new ProblemError('malformed_request', 'The Idempotency-Key must be 1 to 255 printable ASCII characters.');
  }
  return key;
}

/**
 * Gives every request its context, log line and metric. Fastify hooks, because a Nest interceptor costs seven times as much.
 */
export function addRequestContext(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const requestId = single(request.headers['x-request-id']);
    const traceparent = single(request.headers.traceparent);
    const context = {
      request_id: requestId && REQUEST_ID.test(requestId) ? requestId : randomUUID(),
      traceparent: traceparent && TRACEPARENT.test(traceparent) ? traceparent : newTraceparent(),
      ip: request.ip,
      user_agent: (single(request.headers['user-agent']) ?? '').slice(0, MAX_USER_AGENT),
    };
    void reply.header('x-request-id', context.request_id);
    runInContext(context, () => {
      try {
        const idempotency_key = idempotencyKeyOf(request);
        if (idempotency_key !== undefined) Object.assign(context, { idempotency_key });
        done();
      } catch (error) {
        done(error as Error);
      }
    });
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    record(request, reply);
    done();
  });
}

function record(request: FastifyRequest, reply: FastifyReply): void {
  const route = request.routeOptions.url ?? 'unmatched';
  const { statusCode, elapsedTime } = reply;
  httpRequests.observe({ method: request.method, route, status: statusCode }, elapsedTime / 1000);
  requestLog.info(
    { method: request.method, route, status: statusCode, ms: Math.round(elapsedTime * 10) / 10 },
    'request',
  );
}
