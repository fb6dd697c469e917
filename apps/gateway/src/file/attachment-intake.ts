import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import {
  invalidField,
  invalidFields,
  limits,
  linkContract,
  ProblemError,
  type FetchedLink,
  type FileType,
  type MessageFile,
  type ProblemCode,
  type SendMessage,
} from '@taai/contracts';
import { assertHonest } from '@taai/files';
import { RpcClient, type Client } from '@taai/platform';
import { decodeBase64, readHead } from './data-url';
import { FileReceiver, type BegunFile } from './file-receiver';
import { InlineFiles, type InlineFile } from './inline-files';

const LEFT = 499;

const extensions: Record<FileType, string> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'application/pdf': 'pdf',
  'text/plain; charset=utf-8': 'txt',
};

/** Whose body a message came in, and how long its sender waits. */
export interface IntakeOptions {
  request?: IncomingMessage;
  signal: AbortSignal;
}

/** What is going on with the files of one message. */
interface Intake extends IntakeOptions {
  conversation_id: string;
  /** That came along, and no earlier request brought. */
  brought: string[];
  /** Bytes that may still come. */
  room: number;
  /** Of all links; in `performance.now()`. */
  deadline: number;
}

/** Makes files of what comes along with a message, as if it had been uploaded before. */
@Injectable()
export class AttachmentIntake {
  private readonly links: Client<typeof linkContract>;

  constructor(
    rpc: RpcClient,
    private readonly receiver: FileReceiver,
    private readonly inline: InlineFiles,
  ) {
    this.links = rpc.for(linkContract);
  }

  /**
   * Does the work with ids of files alone. What came along with a message that is refused is not kept.
   *
   * @throws what the work throws; `validation_failed`, and what an upload or a link is refused with
   */
  async send<T>(input: SendMessage, options: IntakeOptions, work: (input: SendMessage) => Promise<T>): Promise<T> {
    const { attachments = [] } = input;
    attachments.forEach(assertOneSource);
    const deadline = performance.now() + limits.linksFetchMs;
    const fresh = { brought: [], room: limits.modelFileBytes, deadline };
    const intake: Intake = { ...options, conversation_id: input.id, ...fresh };
    try {
      const file_ids: string[] = [];
      for (const [at, file] of attachments.entries()) file_ids.push(await this.idOf(file, at, intake));
      return await work(
        attachments.length > 0 ? { ...input, attachments: file_ids.map((file_id) => ({ file_id })) } : input,
      );
    } catch (error) {
      if (intake.brought.length > 0 && isRefusal(error)) await this.receiver.release(intake.brought);
      throw error;
    }
  }

  private async idOf({ file_id, url = '', filename }: MessageFile, at: number, intake: Intake): Promise<string> {
    if (file_id !== undefined) return file_id;
    try {
      if (!url.toLowerCase().startsWith('data:')) return await this.fromLink(url, filename, at, intake);
      const file = this.inline.claim(intake.request, url) ?? (await this.fromDataUrl(url, at, intake));
      return await this.finish(file, filename, intake);
    } catch (error) {
      throw inField(`attachments.${at}`, error);
    }
  }

  /** Of a body that is short enough to be read as a whole. */
  private async fromDataUrl(url: string, at: number, { conversation_id, signal }: Intake): Promise<InlineFile> {
    const { declared_type, start } = readHead(url);
    const bytes = decodeBase64(one(url.slice(start)));
    const begun = await this.receiver.begin({ conversation_id, number: at });
    const kept = await this.receiver.keep(begun, { filename: '', declared_type, bytes }, signal);
    return { kept, begun, declared_type };
  }

  private async finish(file: InlineFile, given: string | undefined, intake: Intake): Promise<string> {
    if ('problem' in file) throw file.problem;
    const { kept, begun, declared_type } = file;
    const filename = given ?? `attachment.${extensions[kept.content_type]}`;
    const place = { file_id: kept.id, stored_as: kept.stored_as };
    try {
      assertHonest(kept.content_type, { filename, declared_type });
      takeRoom(intake, kept.bytes);
    } catch (error) {
      await this.receiver.forget(place);
      throw error;
    }
    await this.receiver.finish(kept, { filename, purpose: 'user_data' });
    if (!begun.isKept) intake.brought.push(kept.id);
    return kept.id;
  }

  private async fromLink(url: string, given: string | undefined, at: number, intake: Intake): Promise<string> {
    if (url.length > limits.addressCharacters)
      throw invalidField('url', `must have at most ${limits.addressCharacters} characters`);
    const { conversation_id } = intake;
    const begun = await this.receiver.begin({ conversation_id, number: at, link: url });
    // Fetched again, it might be another file.
    if (begun.isKept) return begun.id;
    const { filename, ...fetched } = await this.fetched(url, begun, intake);
    const kept = { id: begun.id, ...fetched };
    return this.finish({ kept, begun, declared_type: '' }, given ?? filename, intake);
  }

  private async fetched(url: string, { id: file_id }: BegunFile, intake: Intake): Promise<FetchedLink> {
    const { signal, room: most, deadline } = intake;
    const timeout_ms = Math.max(1, Math.min(linkContract.methods.fetch.timeout_ms, deadline - performance.now()));
    try {
      return await this.links.fetch({ url, file_id, most }, { signal, timeout_ms });
    } catch (error) {
      await this.receiver.forget({ file_id, stored_as: file_id });
      throw error;
    }
  }
}

function assertOneSource({ file_id, url, filename }: MessageFile, at: number): void {
  if ((file_id === undefined) === (url === undefined))
    throw invalidField(`attachments.${at}`, 'must have a file_id or a url, and not both');
  if (file_id !== undefined && filename !== undefined)
    throw invalidField(`attachments.${at}.filename`, 'must not be given: the file has its name');
}

function takeRoom(intake: Intake, bytes: number): void {
  intake.room -= bytes;
  if (intake.room < 0)
    throw invalidField('', `must not make the attachments more than ${limits.modelFileBytes} bytes together`);
}

/** What is said of a file, not of its message. */
const aboutFile = new Set<ProblemCode>([
  'unsupported_media_type',
  'payload_too_large',
  'attachment_unreachable',
  'url_not_allowed',
]);

/** Says which attachment it was: those who look at files and links do not know. */
function inField(path: string, error: unknown): unknown {
  if (!(error instanceof ProblemError)) return error;
  const { code, message, extras } = error;
  if (extras.errors) return invalidFields(extras.errors.map((fault) => ({ path, message: fault.message })));
  return aboutFile.has(code) ? new ProblemError(code, `${path}: ${message}`, extras) : error;
}

/** Nothing has come of the message. A request by the same Idempotency-Key may still be at work with the same files. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ProblemError && error.status < LEFT && !error.code.startsWith('idempotency');

async function* one(text: string): AsyncGenerator<string> {
  yield text;
}
