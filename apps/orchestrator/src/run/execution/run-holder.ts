import { Injectable } from '@nestjs/common';
import { withTenant } from '@taai/entities';
import { TokenSpending, type RunLogWriter } from '@taai/platform';
import { DataSource } from 'typeorm';
import { PriceBook } from '../../accounting/price-book';
import { untilAvailable } from '../../patience';
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
        const run = new HeldRun(this, log, await this.runs.take(tx, id), await this.steps.load(tx, id));
        await run.closeLost(tx);
        return run;
      }),
    );
  }

  /** Lets any replica have a claimed run at once. Throws LeaseLost when another one has it already. */
  release(id: string): Promise<void> {
    return withTenant(this.db, (tx) => this.runs.release(tx, id));
  }
}
