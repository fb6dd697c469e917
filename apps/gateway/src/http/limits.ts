import { limits, ProblemError } from '@taai/contracts';
import type { FastifyInstance } from 'fastify';
import type { GatewayConfig } from '../config';

/** Milliseconds. */
export interface Timeouts {
  /** From the connection's start, or the last answer's end, to the end of the headers. */
  headersTimeout: number;
  /** To the end of the body. Answers may take as long as they like. */
  requestTimeout: number;
  /** Without a byte in either direction: longer than a plain request waits for its run. Ends readers that stopped reading. */
  connectionTimeout: number;
  /** Between an answer and the next request: longer than load balancers keep an idle connection, so that they close it first. */
  keepAliveTimeout: number;
  /** How often the first two are looked at. */
  connectionsCheckingInterval: number;
}

export const defaultTimeouts: Timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionTimeout: 12 * 60_000,
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2000,
};

/** What Fastify and Node bound by themselves. */
export const serverOptions = ({ bodyLimitBytes }: GatewayConfig, timeouts: Timeouts) => ({
  bodyLimit: bodyLimitBytes,
  routerOptions: { maxParamLength: 128 },
  requestTimeout: timeouts.requestTimeout,
  connectionTimeout: timeouts.connectionTimeout,
  keepAliveTimeout: timeouts.keepAliveTimeout,
  http: {
    requireHostHeader: false, // addLimits requires it, and answers in our words
    maxHeaderSize: limits.headerBytes,
    headersTimeout: timeouts.headersTimeout,
    connectionsCheckingInterval: timeouts.connectionsCheckingInterval,
  },
});

/** Refuses what Node would answer without a word: many headers, no host, an unknown expectation; and long URLs. */
export function addLimits(fastify: FastifyInstance): void {
  const { server } = fastify;
  server.maxHeadersCount = limits.headers;
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  fastify.addHook('onRequest', ({ raw }, _reply, done) => {
    if ((raw.url ?? '').length > limits.urlBytes) return done(new ProblemError('uri_too_long'));
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined)
      return done(new ProblemError('malformed_request', 'The request names no Host.'));
    done();
  });
}
