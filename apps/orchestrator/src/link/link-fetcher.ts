import { randomUUID } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { limits, ProblemError, type FetchedLink, type FetchLink } from '@taai/contracts';
import { FileInspection, keyOfUpload, type FileStore } from '@taai/files';
import { OutboundRefused, outboundDispatcher, reportError, vetUrl } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { request, type Dispatcher } from 'undici';
import { filenameOf } from './link-filename';

const headers = {
  'user-agent': 'task-assistant-links',
  accept: 'image/*, application/pdf, text/*;q=0.9, */*;q=0.1',
  'accept-encoding': 'identity',
};

type LinkAnswer = Dispatcher.ResponseData;

export interface LinkFetcherOptions {
  /** CIDRs that may be called although private. */
  allow: readonly string[];
  lookup?: (hostname: string) => Promise<LookupAddress[]>;
  /** For one file; `limits.linkFetchMs` if absent. */
  most_ms?: number;
}

/** Fetches files for messages: from public addresses by https, in bounded time, and into the store as they come. */
export class LinkFetcher {
  private readonly dispatcher: Dispatcher;

  constructor(
    private readonly store: FileStore,
    private readonly options: LinkFetcherOptions,
  ) {
    this.dispatcher = outboundDispatcher(options);
  }

  /**
   * Keeps the file under a key of its own. Follows few redirects, each of which must be as public.
   *
   * @throws ProblemError `url_not_allowed`, `attachment_unreachable`, `payload_too_large`, and what the inspection and the store throw
   */
  async fetch({ url, file_id, most }: FetchLink, signal: AbortSignal): Promise<FetchedLink> {
    const { most_ms = limits.linkFetchMs } = this.options;
    const late = AbortSignal.timeout(most_ms);
    const stored_as = randomUUID();
    const key = keyOfUpload(currentCaller().tenant_id, { file_id, stored_as });
    try {
      const ends = AbortSignal.any([signal, late]);
      const { answer, from } = await this.answered(url, ends);
      const filename = filenameOf(from, answer.headers['content-disposition']);
      const inspection = new FileInspection({ filename, declared_type: String(answer.headers['content-type'] ?? '') });
      await this.store.write(key, inspection.pass(bytesOf(answer, most)), ends);
      return { filename, stored_as, ...inspection.result() };
    } catch (error) {
      await this.forget(key);
      signal.throwIfAborted();
      throw late.aborted ? unreachable(`It took longer than ${most_ms / 1000} s.`) : error;
    }
  }

  private async answered(url: string, signal: AbortSignal): Promise<{ answer: LinkAnswer; from: string }> {
    let from = url;
    for (let redirects = 0; redirects <= limits.linkRedirects; redirects += 1) {
      this.vet(from);
      const options = { dispatcher: this.dispatcher, headers, signal, headersTimeout: 0, bodyTimeout: 0 };
      const answer = await request(from, options).catch((error: unknown) => Promise.reject(problemOf(error)));
      const next = redirectOf(answer, from);
      if (next === undefined) return { answer: assertFile(answer), from };
      answer.body.on('error', () => undefined).destroy();
      from = next;
    }
    throw unreachable(`It leads on more than ${limits.linkRedirects} times.`);
  }

  private vet(url: string): void {
    if (!/^https:/i.test(url)) throw new ProblemError('url_not_allowed', 'A link must start with https://.');
    vetUrl(url, this.options.allow);
  }

  /** Whoever asked may have left: what is not there, nobody has to find. */
  private async forget(key: string): Promise<void> {
    await runAs(currentCaller(), () => this.store.remove(key)).catch((error: unknown) => reportError(error));
  }
}

function redirectOf({ statusCode, headers: { location } }: LinkAnswer, from: string): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== 'string') return undefined;
  const next = URL.parse(location, from);
  if (!next) throw unreachable('It leads on to what is no address.');
  return next.href;
}

function assertFile(answer: LinkAnswer): LinkAnswer {
  const { statusCode, headers: head, body } = answer;
  const encoding = head['content-encoding'] ?? 'identity';
  if (statusCode === 200 && encoding === 'identity') return answer;
  body.on('error', () => undefined).destroy();
  throw unreachable(statusCode === 200 ? 'It is sent packed.' : `The server answered ${statusCode}.`);
}

async function* bytesOf({ body, headers: head }: LinkAnswer, most: number): AsyncGenerator<Buffer> {
  // Leaving the loop early destroys the socket, which is told as an error to whoever listens.
  body.on('error', () => undefined);
  if (Number(head['content-length'] ?? 0) > most) body.destroy(tooLarge());
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > most) throw tooLarge();
      yield chunk;
    }
  } catch (error) {
    throw problemOf(error);
  }
}

const tooLarge = () =>
  new ProblemError('payload_too_large', 'The file that the link leads to is larger than files may be.');

function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof OutboundRefused) return new ProblemError('url_not_allowed', error.message);
  return unreachable('Its server did not answer as it should.');
}

const unreachable = (why: string) =>
  new ProblemError('attachment_unreachable', `The file that the link leads to could not be fetched. ${why}`);
