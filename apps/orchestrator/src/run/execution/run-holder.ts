import { Injectable } from '@nestjs/common';
import { withTenant, type Tx } from '@taai/entities';
import { TokenSpending, type RunLogWriter } from '@taai/platform';
import { DataSource } from 'typeorm';
import { PriceBook } from '../../accounting/price-book';
import { untilAvailable } from '../../patience';
import { RunHistory } from '../run-history';
import type { RunRow } from '../run-row';
import { RunStepRepository } from '../run-step.repository';
import { HeldRun, type RunStore } from './held-run';
import { HeldRunRepository } from './held-run.repository';

/** This replica as the holder of runs. It claims and takes them, and has what each `HeldRun` writes with. */
@Injectable()
export class RunHolder implements RunStore {
  constructor(
    readonly db: DataSource,
    readonly runs: HeldRunRepository,
    readonly steps: RunStepRepository,
    readonly prices: PriceBook,
    readonly spending: TokenSpending,
    private readonly history: RunHistory,
  ) {}

  /** Claims a run of the caller's tenant; resolves to false when somebody holds it. */
  claim(id: string): Promise<boolean> {
    return withTenant(this.db, (tx) => this.runs.claim(tx, id));
  }

  /** A run that was inserted with the lease of this replica. */
  hold(row: RunRow, log: RunLogWriter): HeldRun {
    return new HeldRun(this, log, row, []);
  }

  /** Takes a claimed run up, and closes the call that a dead replica left. Throws LeaseLost when another replica has the run. */
  take(id: string, log: RunLogWriter): Promise<HeldRun> {
    return untilAvailable(() =>
      withTenant(this.db, async (tx) => {
        const run = new HeldRun(
          this,
          log,
          await this.begun(tx, await this.runs.take(tx, id)),
          await this.steps.load(tx, id),
        );
        await run.closeLost(tx);
        return run;
      }),
    );
  }

  /** A run that has waited for its turn is shown what the turns before it have come to. */
  private async begun(tx: Tx, run: RunRow): Promise<RunRow> {
    const { id, conversation_id, turn, input, state } = run;
    if (turn === null || conversation_id === null) return run;
    const hasTools = (state.tools ?? []).length > 0;
    return this.runs.beginTurn(tx, id, await this.history.complete(tx, conversation_id, input, { hasTools }));
  }

  /** Lets any replica have a claimed run at once. Throws LeaseLost when another one has it already. */
  release(id: string): Promise<void> {
    return withTenant(this.db, (tx) => this.runs.release(tx, id));
  }
}
