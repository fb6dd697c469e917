import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { withTenant, type Tx } from '@taai/entities';
import { reportError } from '@taai/platform';
import { DataSource } from 'typeorm';
import { TurnSweep } from '../turn-sweep';
import { BinRepository } from './bin.repository';

/** Conversations of one round. */
const BATCH = 100;
/** Messages of one transaction, and of one conversation in one round. */
const MESSAGES = 1000;
const MESSAGES_PER_ROUND = 10_000;
/** How long a conversation can be restored: 30 days. */
const KEPT_SECONDS = 30 * 86_400;

/** Removes for good what was deleted 30 days ago. */
@Injectable()
export class BinSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly turns = new TurnSweep({
    due: () => this.bin.due(KEPT_SECONDS, BATCH),
    remove: (tenant_id, ids) => this.removeAll(tenant_id, ids),
  });

  constructor(
    private readonly db: DataSource,
    private readonly bin: BinRepository,
  ) {}

  onApplicationBootstrap(): void {
    this.turns.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.turns.stop();
  }

  sweep(): Promise<void> {
    return this.turns.sweep();
  }

  /** One that fails is reported, and the others go all the same. */
  private async removeAll(tenant_id: string, ids: readonly string[]): Promise<number> {
    let gone = 0;
    for (const id of ids) {
      if (this.turns.isStopping) break;
      const removed = await this.remove(id).catch((error: unknown) =>
        reportError(error, { tenant_id, conversation_id: id }),
      );
      if (removed) gone += 1;
    }
    return gone;
  }

  /** Resolves to whether it is gone: what is more than one round's is left to the next. */
  private async remove(id: string): Promise<boolean> {
    for (let gone = 0; gone < MESSAGES_PER_ROUND && !this.turns.isStopping; gone += MESSAGES) {
      const left = await withTenant(this.db, (tx) => this.removeSome(tx, id));
      if (left !== 'some') return left === 'none';
    }
    return false;
  }

  /** What is left of it: all, where it was restored meanwhile. */
  private async removeSome(tx: Tx, id: string): Promise<'all' | 'some' | 'none'> {
    if (!(await this.bin.lockDue(tx, id, KEPT_SECONDS))) return 'all';
    if ((await this.bin.empty(tx, id, MESSAGES)) === MESSAGES) return 'some';
    return (await this.bin.remove(tx, id)) ? 'none' : 'all';
  }
}
