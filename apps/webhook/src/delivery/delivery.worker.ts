import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { keys, Periodic, reportError } from '@taai/platform';
import { inGroups } from '../in-groups';
import { WakeSignals } from '../wake-signals';
import { DeliveryRepository, type Attempt } from './delivery.repository';
import { DeliveryService } from './delivery.service';
import { turnsOf, type Turn } from './turns';

/** Attempts of one process at once. */
export const PLACES = 128;
/** Nobody tells when a retry is due or the lease of a dead process ends. */
const POLL_MS = 500;
/** Tenants that claim at once. */
const TENANTS_AT_ONCE = 4;
const FIRST = '00000000-0000-0000-0000-000000000000';

/**
 * Attempts deliveries: claims as many as it has places for, tenants in turn, when it is told of new ones, whenever an attempt has made
 * room, and every 500 ms. PostgreSQL decides who attempts what, and how many at once.
 */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly working = new Periodic(POLL_MS, () => this.takeTurns());
  /** The attempts under way, each with its tenant. */
  private readonly underWay = new Map<Promise<void>, string>();
  /** The tenant that claimed last: the next turns begin behind it. */
  private last = FIRST;

  constructor(
    private readonly repository: DeliveryRepository,
    private readonly deliveries: DeliveryService,
    signals: WakeSignals,
  ) {
    signals.on(keys.deliveriesWake(), () => this.working.wake());
  }

  onApplicationBootstrap(): void {
    this.working.wake();
  }

  /** Waits for the attempts in flight. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.working.stop();
    await Promise.all(this.underWay.keys());
  }

  private async takeTurns(): Promise<void> {
    const room = PLACES - this.underWay.size;
    if (room <= 0) return;
    const waiting = await this.repository.waitingTenants(this.last, room);
    const turns = turnsOf(waiting, [...this.underWay.values()], PLACES);
    this.last = turns.at(-1)?.tenant_id ?? this.last;
    await inGroups(turns, TENANTS_AT_ONCE, (turn) => this.takeTurn(turn));
  }

  /** A tenant whose claim fails keeps nobody else from theirs. */
  private async takeTurn({ tenant_id, places }: Turn): Promise<void> {
    const claimed = await this.deliveries.claim(tenant_id, places).catch((error: unknown) => {
      reportError(error, { tenant_id });
      return [];
    });
    for (const attempt of claimed) this.start(tenant_id, attempt);
  }

  private start(tenant_id: string, attempt: Attempt): void {
    const work = this.deliveries
      .attempt(tenant_id, attempt)
      .catch((error: unknown) => reportError(error, { delivery_id: attempt.id, tenant_id }))
      .finally(() => {
        this.underWay.delete(work);
        this.working.wake();
      });
    this.underWay.set(work, tenant_id);
  }
}
