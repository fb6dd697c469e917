import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { withTenantId } from '@taai/entities';
import { log, Periodic } from '@taai/platform';
import { DataSource } from 'typeorm';
import { UsageRepository } from './usage.repository';

/** After this long a call that was not closed lost its process: calls end sooner by their own deadlines. */
const STALE_SECONDS = 600;
const BATCH = 500;
const SWEEP_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;

/** Ends the calls that a dead process left open, and creates the ledger's partitions before their month begins. */
@Injectable()
export class LedgerUpkeep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly jobs = [
    new Periodic(SWEEP_MS, async () => {
      while ((await this.endStaleCalls()) === BATCH);
    }),
    new Periodic(DAY_MS, () => this.usage.createPartitions()),
  ];

  constructor(
    private readonly db: DataSource,
    private readonly usage: UsageRepository,
  ) {}

  onApplicationBootstrap(): void {
    for (const job of this.jobs) job.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.jobs.map((job) => job.stop()));
  }

  /** Ends one batch of calls. Any number of replicas may do it at once. Resolves to how many calls this one ended. */
  async endStaleCalls(): Promise<number> {
    let ended = 0;
    for (const [tenant_id, call_ids] of await this.usage.staleCalls(STALE_SECONDS, BATCH)) {
      ended += await withTenantId(this.db, tenant_id, (tx) => this.usage.endAsEstimated(tx, call_ids));
    }
    if (ended > 0) log.warn({ calls: ended }, 'provider calls that were never closed are estimated');
    return ended;
  }
}
