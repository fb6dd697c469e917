import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ClaimLoop, createRedis, keys, PROCESS_CONFIG, type ProcessConfig, type RedisClient } from '@taai/platform';
import { OutboxRepository, type EventRef } from './outbox.repository';
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
  private readonly relaying = new ClaimLoop<EventRef>(POLL_MS, {
    room: () => BATCH,
    claim: (batch) => this.outbox.claim(batch, LEASE_SECONDS),
    work: (claimed) => this.relay(claimed),
  });
  private wakes: RedisClient | undefined;

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
    this.wakes?.disconnect();
    await this.relaying.stop();
    await this.events.settled();
  }

  drain(): Promise<void> {
    return this.relaying.drain();
  }

  /** Dispatches what was claimed, and rests behind the last of it: what comes meanwhile goes out together, at one statement per tenant. */
  private async relay(claimed: EventRef[]): Promise<void> {
    const byTenant = [...Map.groupBy(claimed, ({ tenant_id }) => tenant_id)];
    for (let at = 0; at < byTenant.length; at += TENANTS_AT_ONCE) {
      const some = byTenant.slice(at, at + TENANTS_AT_ONCE);
      await Promise.all(
        some.map(([tenant_id, events]) =>
          this.events.dispatch(
            tenant_id,
            events.map(({ id }) => id),
          ),
        ),
      );
    }
    if (claimed.length < BATCH) await sleep(REST_MS);
  }
}
