import { Injectable } from '@nestjs/common';
import { withTenant, type Tx } from '@taai/entities';
import { TokenSpending, type RunLogWriter } from '@taai/platform';
import { DataSource } from 'typeorm';
import { PriceBook } from '../../accounting/price-book';
import { ConversationContext, type Conversation, type Counted } from '../../context/conversation-context';
import { textOf } from '../../file/stored-file';
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
    private readonly context: ConversationContext,
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
    return untilAvailable(async () => {
      const counted = await this.count(id);
      return withTenant(this.db, async (tx) => {
        const row = await this.begun(tx, await this.runs.take(tx, id), counted);
        const run = new HeldRun(this, log, row, await this.steps.load(tx, id));
        await run.closeLost(tx);
        return run;
      });
    });
  }

  /** What a run that has waited for its turn may be shown. */
  private async count(id: string): Promise<Counted | undefined> {
    const run = await this.runs.waiting(id);
    return run && this.context.count(run.state, conversationOf(run));
  }

  /** A run that has waited for its turn is shown what the turns before it have come to. */
  private async begun(tx: Tx, run: RunRow, counted: Counted | undefined): Promise<RunRow> {
    if (run.turn === null || !counted) return run;
    const instructions = run.input.filter(({ role }) => role === 'system');
    const { messages, ...note } = await this.context.of(tx, run.state, conversationOf(run), counted);
    return this.runs.beginTurn(tx, run.id, [...instructions, ...messages], note);
  }

  /** Lets any replica have a claimed run at once. Throws LeaseLost when another one has it already. */
  release(id: string): Promise<void> {
    return withTenant(this.db, (tx) => this.runs.release(tx, id));
  }
}

const conversationOf = ({ conversation_id, input }: RunRow): Conversation => ({
  id: conversation_id ?? '',
  prompt: input.flatMap((message) => (message.role === 'system' ? [textOf(message)] : [])).join(),
  said: input.filter(({ role }) => role !== 'system'),
});
