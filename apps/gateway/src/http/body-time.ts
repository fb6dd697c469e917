import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { answerUnreadable } from './client-errors';
import { mayBringFiles } from './files-in-body';

const LATE = Object.assign(new Error('The body took too long.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });

/** Bounds how long a body may take to arrive, at routes that take no files: Node has one bound for all requests, which is that of files. */
export function limitBodyTime(fastify: FastifyInstance, most_ms: number): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { raw, routeOptions } = request;
    const { 'content-length': length = '0', 'transfer-encoding': encoding } = raw.headers;
    const hasBody = length !== '0' || encoding !== undefined;
    // What is injected has no connection, and comes at once.
    const takesFiles = routeOptions.config.bound?.method.upload === true || mayBringFiles(request);
    if (hasBody && !takesFiles && raw.socket instanceof Socket) {
      const timer = setTimeout(() => answerUnreadable(LATE, raw.socket), most_ms).unref();
      raw.once('close', () => clearTimeout(timer));
    }
    done();
  });
}
