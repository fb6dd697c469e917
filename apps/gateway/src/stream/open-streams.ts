import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { leaveSoon } from '../admission/in-flight-places';
import { Principals, type Seen, type Watch } from '../access/principals';

/** How long answers that nobody could take up again may go on when the gateway stops, in milliseconds. */
const DRAIN_MS = 8000;

/** Why streams end when the gateway stops. */
export const STOPPING = new ProblemError('service_unavailable', 'The gateway stops: ask again.', { retry_after: 1 });

interface OpenStream {
  control: AbortController;
  /** Its client can go on at another gateway where it was cut. */
  isResumable: boolean;
}

interface StreamOptions {
  isResumable?: boolean;
  seen?: Seen | undefined;
  /** Of who is nobody's caller; else that of the caller. */
  access?: Watch;
}

/** Everything that lasts longer than a call: each ends with its client, with its caller's access, or with the gateway. */
@Injectable()
export class OpenStreams implements BeforeApplicationShutdown {
  private readonly open = new Set<OpenStream>();
  private endsNow: (stream: OpenStream) => boolean = () => false;
  private whenNone: () => void = () => undefined;

  constructor(private readonly principals: Principals) {}

  /**
   * Does the work for whoever waits for `reply`. The signal is aborted with a ProblemError when the client leaves (`cancelled`), when
   * the caller's access ends or changes (`unauthenticated` and its like), also to what is `seen` (`not_found`), and when the gateway
   * stops (`STOPPING`): at once if the client can resume, else after 8 s.
   *
   * @throws what the work throws, or the signal's reason if that was aborted.
   */
  async run<T>(
    reply: FastifyReply,
    work: (signal: AbortSignal) => Promise<T>,
    { isResumable = false, seen, access }: StreamOptions = {},
  ): Promise<T> {
    leaveSoon(reply.raw);
    const stream = { control: new AbortController(), isResumable };
    const unbind = bindTo(reply, access ?? this.principals.watch(currentCaller(), seen), stream.control);
    this.open.add(stream);
    if (this.endsNow(stream)) stream.control.abort(STOPPING);
    try {
      return await work(stream.control.signal);
    } catch (error) {
      // Nobody waits for an answer.
      if (reply.raw.closed) reply.hijack();
      stream.control.signal.throwIfAborted();
      throw error;
    } finally {
      unbind();
      this.open.delete(stream);
      if (this.open.size === 0) this.whenNone();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.end(({ isResumable }) => isResumable);
    await this.drained();
    this.end(() => true);
  }

  /** Ends these streams, and such as are opened from now on. */
  private end(these: (stream: OpenStream) => boolean): void {
    this.endsNow = these;
    for (const stream of this.open) if (these(stream)) stream.control.abort(STOPPING);
  }

  /** Resolves when no stream is open, or after 8 s. */
  private async drained(): Promise<void> {
    if (this.open.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.whenNone = resolve;
    const timer = setTimeout(resolve, DRAIN_MS);
    await promise;
    clearTimeout(timer);
  }
}

/** Aborts with the client and with the access; the function that is returned ends that. */
function bindTo({ raw }: FastifyReply, access: Watch, control: AbortController): () => void {
  const leave = () => control.abort(new ProblemError('cancelled'));
  const revoke = () => control.abort(access.signal.reason);
  raw.once('close', leave);
  access.signal.addEventListener('abort', revoke);
  if (raw.closed) leave();
  return () => {
    raw.off('close', leave);
    access.signal.removeEventListener('abort', revoke);
    access.end();
  };
}
