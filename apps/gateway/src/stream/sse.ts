import { once } from 'node:events';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { problemBody, toProblem } from '../http/problem.filter';
import type { FastifyReply } from 'fastify';

export interface ServerSentEvent {
  id: number;
  type: string;
  data: unknown;
}

export const sseHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

/** Sends status 200 and the headers, those that hooks have set (request id, security, CORS) too. The body is the caller's to write. */
export function beginAnswer(reply: FastifyReply, headers: Record<string, string>): void {
  const { raw } = reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
  raw.writeHead(200, headers);
  raw.flushHeaders();
}

const KEEP_ALIVE_MS = 15_000;
/** Milliseconds after which a client whose stream was ended by a restart comes back, with `Last-Event-ID`. */
const RETRY_MS = 1000;

/** Writes server-sent events; ends every open stream with `retry:` when the gateway stops. */
@Injectable()
export class SseStreams implements BeforeApplicationShutdown {
  private readonly stopping = new AbortController();

  /** Answers with the events that `open` yields, as fast as the client reads, until they end or the client goes. */
  async answer(reply: FastifyReply, open: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>): Promise<void> {
    const { raw } = reply;
    const gone = new AbortController();
    raw.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.stopping.signal]);
    const keepAlive = setInterval(() => raw.write(':\n\n'), KEEP_ALIVE_MS);
    beginAnswer(reply, sseHeaders);
    try {
      for await (const event of open(signal)) {
        if (!raw.write(format(event))) await once(raw, 'drain', { signal });
      }
    } catch (error) {
      if (!signal.aborted) raw.write(`event: error\ndata: ${problemBody(toProblem(error))}\n\n`);
    } finally {
      clearInterval(keepAlive);
      raw.end(this.stopping.signal.aborted ? `retry: ${RETRY_MS}\n\n` : undefined);
    }
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }
}

const format = ({ id, type, data }: ServerSentEvent) => `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
