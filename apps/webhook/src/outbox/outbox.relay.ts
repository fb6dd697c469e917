import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { createRedis, keys, Periodic, PROCESS_CONFIG, type ProcessConfig, type RedisClient } from '@taai/platform';
import { OutboxRepository } from './outbox.repository';
import { OutboxService } from './outbox.service';

const POLL_MS = 500;
const BATCH = 500;
/** The pause after a batch: an event waits at most so long behind another one. */
const REST_MS = 200;
/** Longer than a batch and its calls take. */
const LEASE_SECONDS = 60;
/** Tenants whose events are dispatched at once. */
const TENANTS_AT_ONCE = 8;

/** Dispatches events as soon as they are committed: when a message through Redis wakes it, and every 500 ms in any case. */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly relaying = new Periodic(POLL_MS, () => this.drain());
  private wakes: RedisClient | undefined;
  private stopping = false;

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly events: OutboxService,
    @Inject(PROCESS_CONFIG) private readonly config: Pick<ProcessConfig, 'redisUrl'>,
  ) {}

  onApplicationBootstrap(): void {
    const wakes = createRedis(this.config.redisUrl, { role: 'subscriber', connectionName: 'webhook-outbox' });
    wakes.on('message', () => this.relaying.wake());
    // Should it fail, the next connection subscribes. The poll works meanwhile.
    wakes.on('ready', () => void wakes.subscribe(keys.outboxWake()).catch(() => undefined));
    this.wakes = wakes;
    this.relaying.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.wakes?.disconnect();
    await this.relaying.stop();
    await this.events.settled();
  }

  /** Dispatches all events, then rests, so that those which come meanwhile cost one statement per tenant. */
  async drain(): Promise<void> {
    let claimed: number;
    do claimed = await this.relayBatch();
    while (!this.stopping && claimed === BATCH);
    if (claimed > 0 && !this.stopping) await sleep(REST_MS);
  }

  /** Resolves to the number of events that were claimed. */
  private async relayBatch(): Promise<number> {
    const claimed = [...(await this.outbox.claim(BATCH, LEASE_SECONDS))];
    for (let at = 0; at < claimed.length; at += TENANTS_AT_ONCE) {
      const some = claimed.slice(at, at + TENANTS_AT_ONCE);
      await Promise.all(some.map(([tenant_id, ids]) => this.events.dispatch(tenant_id, ids)));
    }
    return claimed.reduce((sum, [, ids]) => sum + ids.length, 0);
  }
}
