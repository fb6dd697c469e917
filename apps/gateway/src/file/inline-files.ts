import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { bodyLimitsOf, limits, ProblemError } from '@taai/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GATEWAY_CONFIG } from '../access/principals';
import type { GatewayConfig } from '../config';
import { atMost } from '../http/at-most';
import { takeIdempotencyKey } from '../http/request-hooks';
import { OpenStreams } from '../stream/open-streams';
import { decodeBase64, readHead, unescaped } from './data-url';
import { FileReceiver, type BegunFile, type KeptFile } from './file-receiver';
import { InlineBody } from './inline-body';
import { JsonReader } from './json-reader';
import { lingerAfter } from './linger';

/** Of one body. Clients of the AI SDK may send what was said before, too. */
const FILES = 2 * limits.attachments;

/** A file that was taken out of a body, or why it could not be. */
export type InlineFile = { kept: KeptFile; begun: BegunFile; declared_type: string } | { problem: unknown };

/** Takes the files out of long bodies as they come: each goes to the store while it is read, and nothing is held of it. */
@Injectable()
export class InlineFiles {
  /** By what stands for them in the body. */
  private readonly taken = new WeakMap<IncomingMessage, Map<string, InlineFile>>();

  constructor(
    private readonly receiver: FileReceiver,
    private readonly streams: OpenStreams,
    @Inject(GATEWAY_CONFIG) private readonly config: Pick<GatewayConfig, 'bodyLimitBytes' | 'fileLimitBytes'>,
  ) {}

  /**
   * The body without its files.
   *
   * @throws ProblemError `payload_too_large` and `validation_failed` for what is too much, and when the caller's access ends
   */
  async read(request: FastifyRequest, reply: FastifyReply, payload: Readable): Promise<Buffer> {
    const { bound } = request.routeOptions.config;
    if (!bound) throw new Error('The route has no contract.');
    takeIdempotencyKey(request);
    const files = new Map<string, InlineFile>();
    this.taken.set(request.raw, files);
    const inContext = AsyncLocalStorage.snapshot();
    reply.raw.once('close', () => void inContext(() => this.forgetAll(files)));
    const { id } = request.params as { id: string };
    const { bytes, values } = bodyLimitsOf(bound);
    const bounds = { json: Math.min(bytes, this.config.bodyLimitBytes), texts: 2 * values, files: FILES };
    try {
      assertFits(request);
      return await this.streams.run(reply, async (signal) => {
        // Broken off, it is read on for a while by `lingerAfter`.
        const source = payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
        const reader = new JsonReader(atMost(source, request.routeOptions.bodyLimit, signal));
        const take = (text: AsyncIterable<Buffer>) => this.take(files, id, text, signal);
        return new InlineBody(reader, bounds, take).read().finally(() => reader.leave());
      });
    } catch (error) {
      lingerAfter(request.raw, reply.raw);
      throw error;
    }
  }

  /** The file that the URL stands for. It belongs to whoever asks: they finish or forget it. */
  claim(request: IncomingMessage | undefined, url: string): InlineFile | undefined {
    const files = request && this.taken.get(request);
    const file = files?.get(url);
    files?.delete(url);
    return file;
  }

  /** What stands for the file. Why it cannot be kept, is told when the message turns out to need it. */
  private async take(
    files: Map<string, InlineFile>,
    conversation_id: string,
    text: AsyncIterable<Buffer>,
    signal: AbortSignal,
  ): Promise<string> {
    const name = `data:,${randomUUID()}`;
    // Behind the numbers of a message's attachments.
    const number = limits.attachments + files.size;
    try {
      const { declared_type, bytes } = await partOf(text);
      const begun = await this.receiver.begin({ conversation_id, number });
      const part = { filename: '', declared_type, bytes: atMost(bytes, this.config.fileLimitBytes, signal) };
      files.set(name, { kept: await this.receiver.keep(begun, part, signal), begun, declared_type });
    } catch (problem) {
      signal.throwIfAborted();
      files.set(name, { problem });
    }
    return name;
  }

  /** What no message has claimed when the request is over. */
  private async forgetAll(files: ReadonlyMap<string, InlineFile>): Promise<void> {
    for (const file of files.values())
      if ('kept' in file) await this.receiver.forget({ file_id: file.kept.id, stored_as: file.kept.stored_as });
  }
}

/** What says that it is too long need not be read. */
function assertFits({ headers, routeOptions: { bodyLimit } }: FastifyRequest): void {
  if (Number(headers['content-length'] ?? 0) > bodyLimit) throw new ProblemError('payload_too_large');
}

/** The bytes of a data URL that stands in JSON, or of base64 alone. */
async function partOf(text: AsyncIterable<Buffer>): Promise<{ declared_type: string; bytes: AsyncIterable<Buffer> }> {
  const pieces = unescaped(text);
  const first = (await pieces.next()).value ?? '';
  const { declared_type, start } = /^data:/i.test(first) ? readHead(first) : { declared_type: '', start: 0 };
  return { declared_type, bytes: decodeBase64(joined(first.slice(start), pieces)) };
}

async function* joined(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
