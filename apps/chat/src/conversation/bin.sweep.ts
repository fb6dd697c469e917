import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { withTenant, type Tx } from '@taai/entities';
import { Periodic, reportError } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { BinRepository } from './bin.repository';

const EVERY_MS = 60_000;
/** Conversations of one turn. */
const BATCH = 100;
/** Messages of one transaction, and of one conversation in one turn. */
const MESSAGES = 1000;
const MESSAGES_PER_TURN = 10_000;
/** How long a conversation can be restored: 30 days. */
const KEPT_SECONDS = 30 * 86_400;

/** Removes for good what was deleted 30 days ago. */
@Injectable()
export class BinSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweeping = new Periodic(EVERY_MS, () => this.sweep());
  private stopping = false;

  constructor(
    private readonly db: DataSource,
    private readonly bin: BinRepository,
  ) {}

  onApplicationBootstrap(): void {
    this.sweeping.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.sweeping.stop();
  }

  /** Any number of replicas may do it at once. A failure is reported, and the other conversations go all the same. */
  async sweep(): Promise<void> {
    for (const { tenant_id, id } of await this.bin.due(KEPT_SECONDS, BATCH)) {
      if (this.stopping) return;
      const removing = runAs({ tenant_id, permissions: [], issuer: 'chat' }, () => this.remove(id));
      await removing.catch((error: unknown) => reportError(error, { tenant_id, conversation_id: id }));
    }
  }

  /** What is more than one turn's is left to the next. */
  private async remove(id: string): Promise<void> {
    for (let gone = 0; gone < MESSAGES_PER_TURN && !this.stopping; gone += MESSAGES) {
      if (await withTenant(this.db, (tx) => this.removeSome(tx, id))) return;
    }
  }

  /** Resolves to whether nothing is left to do: it may have been restored. */
  private async removeSome(tx: Tx, id: string): Promise<boolean> {
    if (!(await this.bin.lockDue(tx, id, KEPT_SECONDS))) return true;
    if ((await this.bin.empty(tx, id, MESSAGES)) === MESSAGES) return false;
    return this.bin.remove(tx, id);
  }
}
