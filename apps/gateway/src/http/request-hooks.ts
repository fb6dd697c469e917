import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { limits, ProblemError } from '@taai/contracts';
import { httpRequests, requestLog } from '@taai/platform';
import { currentContext, runInContext } from '@taai/tenant';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

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
    signal: departureOf(reply.raw),
  };
  void reply.header('x-request-id', context.request_id);
  runInContext(context, work);
}

/** Is aborted as `cancelled` when the client leaves before it has its answer. */
function departureOf(response: ServerResponse): AbortSignal {
  const control = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) control.abort(new ProblemError('cancelled'));
  });
  return control.signal;
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

/** `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`: as proxies write addresses. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/;

function addressOf(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const [, v6, v4] = WITH_PORT.exec(text) ?? [];
  const [address = ''] = (v6 ?? v4 ?? text).split('%');
  // isIP first, because ipaddr.js reads 010.1 as an address, too.
  return isIP(address) === 0 ? undefined : ipaddr.process(address);
}

/** Tells Fastify whose `X-Forwarded-*` headers to believe: those of addresses in `cidrs`. */
export function trusts(cidrs: readonly string[]): (address: string) => boolean {
  const ranges = cidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  return (text) => {
    const address = addressOf(text);
    return address !== undefined && ranges.some((range) => address.kind() === range[0].kind() && address.match(range));
  };
}

/**
 * The client's address, in one spelling: the right-most of `X-Forwarded-For` that is no trusted proxy's. Where a trusted proxy
 * passed on what is no address, its own.
 */
export const clientIp = ({ ip, ips }: FastifyRequest): string | undefined => spelling(ip) ?? spelling(ips?.at(-2));

/** Clients come again: reading an address costs more than all that authenticates a known caller. */
const spellings = new LRUCache<string, string>({ max: 10_000 });

function spelling(text = ''): string | undefined {
  const known = spellings.get(text) ?? addressOf(text)?.toString();
  if (known !== undefined) spellings.set(text, known);
  return known;
}

/** Headers of which Node takes the first and drops the others, so that a proxy in front may have gone by another one. */
const SINGLE = new Set(['host', 'authorization', 'content-type']);

function repeatedHeader(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? '';
    if (SINGLE.has(name) && seen.size === seen.add(name).size) return name;
  }
  return undefined;
}

/** Refuses what Node would answer without a word: many headers, no host or two, an unknown expectation; and long URLs. */
export function addLimits(fastify: FastifyInstance): void {
  const { server } = fastify;
  server.maxHeadersCount = limits.headers;
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  fastify.addHook('onRequest', ({ raw }, _reply, done) => {
    if ((raw.url ?? '').length > limits.urlBytes) return done(new ProblemError('uri_too_long'));
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined)
      return done(new ProblemError('malformed_request', 'The request names no Host.'));
    const repeated = repeatedHeader(raw.rawHeaders);
    if (repeated)
      return done(new ProblemError('malformed_request', `The request has more than one header ${repeated}.`));
    done();
  });
}

/** Refuses what a trusted proxy did not receive by HTTPS, but for health: probes come straight to the process. */
export function refusePlainHttp(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ protocol, routeOptions }, _reply, done) => {
    if (protocol === 'https' || /^\/health(\/|$)/.test(routeOptions.url ?? '')) return done();
    done(new ProblemError('https_required', 'The request did not come by HTTPS through a proxy that is trusted.'));
  });
}
