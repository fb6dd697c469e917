import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { LedgerEntry } from '@taai/contracts';
import { isRefusedData, recordCalls, withTenantId } from '@taai/entities';
import { ledgerEntries, log, reportError } from '@taai/platform';
import { DataSource } from 'typeorm';
import { readEntry } from './ledger-entry';
import { LedgerConsumer, type LedgerItem } from './ledger.consumer';

/** Tenants that are written at once: the pool has other users. */
const PARALLEL = 3;
/**
 * After a small batch others gather for a moment: under load a call's beginning and end are then written as one row, and hundreds of calls by
 * two statements.
 */
const REST_MS = 100;
const CROWDED = 250;
const RETRY_MS = 250;
const MAX_RETRY_MS = 5000;

interface Readable extends LedgerItem {
  entry: LedgerEntry;
}

/**
 * Writes the ledger's stream into the database, by batches, with any number of replicas beside it. An entry leaves the stream after the
 * commit, so it may be written twice, which changes nothing.
 */
@Injectable()
export class LedgerWriter implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private running: Promise<void> | undefined;
  private stopping = false;
  /** Whether this consumer may have entries that it was given and has not written. */
  private isBehind = false;
  private nextTakeOver = 0;

  constructor(
    private readonly db: DataSource,
    private readonly consumer: LedgerConsumer,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** Resolves when the batch under way is written. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.running;
    this.consumer.leave();
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.stopping;) {
      try {
        if (failures > 0 || this.nextTakeOver === 0) await this.consumer.join();
        const items = await this.read();
        await this.write(items);
        ledgerEntries.set(await this.consumer.waiting());
        failures = 0;
        if (items.length > 0 && items.length < CROWDED) await delay(REST_MS);
      } catch (error) {
        if (failures++ === 0) reportError(error);
        this.isBehind = true;
        if (!this.stopping) await delay(Math.min(RETRY_MS * failures, MAX_RETRY_MS));
      }
    }
  }

  private async read(): Promise<LedgerItem[]> {
    if (this.isBehind) {
      const owed = await this.consumer.owed();
      this.isBehind = owed.length > 0;
      if (this.isBehind) return owed;
    }
    if (Date.now() < this.nextTakeOver) return this.consumer.next();
    const orphans = await this.consumer.takeOver();
    if (orphans.length === 0) this.nextTakeOver = Date.now() + this.consumer.take_over_ms;
    return orphans;
  }

  private async write(items: LedgerItem[]): Promise<void> {
    const readable: Readable[] = [];
    for (const item of items) {
      const entry = readEntry(item.body);
      if (entry) readable.push({ ...item, entry });
      else await this.setAside(item, 'unreadable');
    }
    const tenants = [...Map.groupBy(readable, ({ entry }) => entry.tenant_id)];
    for (let start = 0; start < tenants.length; start += PARALLEL) {
      const some = tenants.slice(start, start + PARALLEL);
      await Promise.all(some.map(([tenant_id, calls]) => this.writeFor(tenant_id, calls)));
    }
  }

  /** All of them in one transaction, or, when the database refuses one of them, all but that. */
  private async writeFor(tenant_id: string, items: Readable[]): Promise<void> {
    try {
      const entries = items.map(({ entry }) => entry);
      await withTenantId(this.db, tenant_id, (tx) => recordCalls(tx, entries));
    } catch (error) {
      if (!isRefusedData(error) && !(error instanceof RangeError)) throw error;
      return this.writeHalves(tenant_id, items, error);
    }
    await this.consumer.done(items.map(({ id }) => id));
  }

  private async writeHalves(tenant_id: string, items: Readable[], error: Error): Promise<void> {
    const [item] = items;
    if (item && items.length === 1) return this.setAside(item, error.message);
    const middle = Math.ceil(items.length / 2);
    await this.writeFor(tenant_id, items.slice(0, middle));
    await this.writeFor(tenant_id, items.slice(middle));
  }

  private async setAside(item: LedgerItem, reason: string): Promise<void> {
    log.error({ entry: item.id, reason }, 'an entry of the ledger cannot be written: it is set aside');
    await this.consumer.setAside(item, reason);
  }
}
