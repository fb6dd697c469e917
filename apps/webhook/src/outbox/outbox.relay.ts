import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ClaimLoop, keys } from '@taai/platform';
import { inGroups } from '../in-groups';
import { WakeSignals } from '../wake-signals';
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

  constructor(
    private readonly outbox: OutboxRepository,
    private readonly events: OutboxService,
    signals: WakeSignals,
  ) {
    signals.on(keys.outboxWake(), () => this.relaying.wake());
  }

  onApplicationBootstrap(): void {
    this.relaying.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.relaying.stop();
    await this.events.settled();
  }

  drain(): Promise<void> {
    return this.relaying.drain();
  }

  /** Dispatches what was claimed, and rests behind the last of it: what comes meanwhile goes out together, at one statement per tenant. */
  private async relay(claimed: EventRef[]): Promise<void> {
    const byTenant = [...Map.groupBy(claimed, ({ tenant_id }) => tenant_id)];
    await inGroups(byTenant, TENANTS_AT_ONCE, ([tenant_id, events]) =>
      this.events.dispatch(
        tenant_id,
        events.map(({ id }) => id),
      ),
    );
    if (claimed.length < BATCH) await sleep(REST_MS);
  }
}
