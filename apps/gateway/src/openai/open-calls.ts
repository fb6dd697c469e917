import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { ProblemError } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { Principals } from '../access/principals';

/** How long answers may go on when the gateway stops. Nobody could take them up again. */
const DRAIN_MS = 8000;

/** The calls of models that clients wait for: each ends when its client leaves, its caller's access ends, or the gateway stops. */
@Injectable()
export class OpenCalls implements BeforeApplicationShutdown {
  private readonly open = new Set<AbortController>();
  private whenNone: (() => void) | undefined;

  constructor(private readonly principals: Principals) {}

  /** Does the work for whoever waits for `reply`. Rejects as the work does, unless nobody waits for it any more. */
  async run(reply: FastifyReply, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const control = new AbortController();
    const access = this.principals.watch(currentCaller());
    access.signal.addEventListener('abort', () => control.abort(access.signal.reason), { once: true });
    const leave = () => control.abort(new ProblemError('cancelled'));
    reply.raw.once('close', leave);
    this.open.add(control);
    try {
      await work(control.signal);
    } catch (error) {
      if (!reply.raw.closed) throw error;
      reply.hijack();
    } finally {
      access.end();
      reply.raw.off('close', leave);
      this.open.delete(control);
      if (this.open.size === 0) this.whenNone?.();
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.open.size === 0) return;
    const patience = new AbortController();
    const none = new Promise<void>((resolve) => (this.whenNone = resolve));
    await Promise.race([none, delay(DRAIN_MS, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
    const stopping = new ProblemError('service_unavailable', 'The gateway stops: ask again.', { retry_after: 1 });
    for (const control of this.open) control.abort(stopping);
  }
}
