import { randomUUID } from 'node:crypto';
import { limits, ProblemError } from '@taai/contracts';
import { httpRequests, requestLog } from '@taai/platform';
import { currentContext, runInContext } from '@taai/tenant';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientIp } from './trusted-proxies';

const REQUEST_ID = /^[\w.:-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const IDEMPOTENCY_KEY = new RegExp(`^[\\x21-\\x7e]{1,${limits.idempotencyKeyCharacters}}$`);

const MAX_USER_AGENT = 256;

const single = (header: string | string[] | undefined) => (Array.isArray(header) ? header.join(',') : header);

/** Random enough, and taken from Node's pool of random bytes: randomBytes goes to the system for each. */
const randomHex = () => randomUUID().replaceAll('-', '');

const newTraceparent = () => `00-${randomHex()}-${randomHex().slice(16)}-01`;

/**
 * Takes the key of a request that creates, since the transport may repeat a call that has one. For use behind the guards: to
 * callers without credentials a malformed key answers 401, too.
 */
export function takeIdempotencyKey({ method, headers }: FastifyRequest): void {
  const key = method === 'POST' ? single(headers['idempotency-key']) : undefined;
  if (key === undefined) return;
  if (!IDEMPOTENCY_KEY.test(key))
    throw new ProblemError(
      'malformed_request',
      `The Idempotency-Key must be 1 to ${limits.idempotencyKeyCharacters} printable ASCII characters.`,
    );
  const context = currentContext();
  if (context) context.idempotency_key = key;
}

/** Runs `work` in a context made of the request's headers, whose id the answer carries. */
export function inContextOf(request: FastifyRequest, reply: FastifyReply, work: () => void): void {
  const requestId = single(request.headers['x-request-id']);
  const traceparent = single(request.headers.traceparent);
  const context = {
    request_id: requestId && REQUEST_ID.test(requestId) ? requestId : randomUUID(),
    traceparent: traceparent && TRACEPARENT.test(traceparent) ? traceparent : newTraceparent(),
    ip: clientIp(request),
    user_agent: (single(request.headers['user-agent']) ?? '').slice(0, MAX_USER_AGENT),
  };
  void reply.header('x-request-id', context.request_id);
  runInContext(context, work);
}

/**
 * Gives every request its context, log line and metric. Fastify hooks, because a Nest interceptor costs seven times as much.
 */
export function addRequestContext(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => inContextOf(request, reply, done));
  fastify.addHook('onResponse', (request, reply, done) => {
    record(request, reply);
    done();
  });
}

export function record({ method, routeOptions }: FastifyRequest, { statusCode, elapsedTime }: FastifyReply): void {
  recordAnswer({ method, route: routeOptions.url ?? 'unmatched', status: statusCode, ms: elapsedTime });
}

/** Logs and counts an answer. */
export function recordAnswer(answer: { method: string; route: string; status: number; ms: number }): void {
  const { ms, ...labels } = answer;
  httpRequests.observe(labels, ms / 1000);
  requestLog.info({ ...labels, ms: Math.round(ms * 10) / 10 }, 'request');
}
