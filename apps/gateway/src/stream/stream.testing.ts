import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProblemError } from '@taai/contracts';
import { runInContext, type Caller } from '@taai/tenant';
import { fastify, type FastifyReply } from 'fastify';
import { NIL } from 'uuid';

const caller: Caller = { tenant_id: NIL, permissions: ['*:*'], issuer: 'gateway' };

export interface Exchange {
  sent: ClientRequest;
  response: Promise<IncomingMessage>;
}

export interface AnswerServer {
  /** Sends a request on a connection of its own. */
  ask(): Exchange;
  close(): Promise<void>;
}

/** A server whose every answer is given as the test says, in the context of a caller. Problems are answered with status and code. */
export async function serve(answer: (reply: FastifyReply) => Promise<unknown>): Promise<AnswerServer> {
  const server = fastify({ forceCloseConnections: true });
  server.setErrorHandler((error, _request, reply) => {
    if (error instanceof ProblemError) return reply.status(error.status).send(error.code);
    throw error;
  });
  server.get('/', (_request, reply) => runInContext({ request_id: 'spec', caller }, () => answer(reply)));
  await server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = server.server.address() as AddressInfo;
  const ask = () => {
    const sent = request({ port, agent: false }).end();
    sent.on('error', () => undefined);
    const response = once(sent, 'response').then(([message]) => message as IncomingMessage);
    // Not every test waits for it.
    response.catch(() => undefined);
    return { sent, response };
  };
  return { ask, close: () => server.close() };
}

export async function bodyOf({ response }: Exchange): Promise<string> {
  return Buffer.concat(await Array.fromAsync(await response)).toString();
}

const timers = { Timeout: ['setTimeout', 'clearTimeout'], Interval: ['setInterval', 'clearInterval'] } as const;
const others = [
  'nextTick',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'Date',
  'performance',
  'hrtime',
] as const;

/** Fakes one kind of timer: server and client need the others. */
export function fakeTimer(kind: keyof typeof timers): void {
  jest.useFakeTimers({ doNotFake: [...others, ...timers[kind === 'Timeout' ? 'Interval' : 'Timeout']] });
}
