import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerUnreadable } from './client-errors';

const LATE = Object.assign(new Error('The body took too long.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });

/** How long a body may take to arrive: some time in any case, and more for what has come of it. */
export interface BodyPace {
  /** Milliseconds. */
  requestTimeout: number;
  /** Bytes that buy one more second. */
  bodyBytesPerSecond: number;
}

/** Milliseconds in which as many bytes must have come. */
export const timeFor = (bytes: number, { requestTimeout, bodyBytesPerSecond }: BodyPace): number =>
  requestTimeout + Math.ceil((bytes / bodyBytesPerSecond) * 1000);

/**
 * Ends requests whose bodies come too slowly. Who keeps the pace may take as long as it takes; who sends a byte now and then has no more time
 * than who sends none.
 */
export function limitBodyTime(fastify: FastifyInstance, pace: BodyPace): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (hasBody(request)) watch(request, reply, pace);
    done();
  });
}

/** What is injected has no connection, and comes at once. */
const hasBody = ({ raw: { headers, socket } }: FastifyRequest): boolean =>
  ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined) &&
  socket instanceof Socket;

function watch({ raw }: FastifyRequest, reply: FastifyReply, pace: BodyPace): void {
  const { socket } = raw;
  const [began, before] = [performance.now(), socket.bytesRead];
  let timer: NodeJS.Timeout;
  const wait = (ms: number) => {
    // Where the process stood still, what has come meanwhile is read before it is counted.
    timer = setTimeout(() => setImmediate(judge), ms).unref();
  };
  const judge = () => {
    if (raw.complete || raw.destroyed) return;
    const left = timeFor(socket.bytesRead - before, pace) - (performance.now() - began);
    if (left > 0) wait(left);
    else end(socket, reply.raw);
  };
  raw.once('close', () => clearTimeout(timer));
  wait(pace.requestTimeout);
}

/** A request may have its answer before its body is there. */
function end(socket: Socket, { writableEnded }: ServerResponse): void {
  if (writableEnded) socket.destroy();
  else answerUnreadable(LATE, socket);
}
