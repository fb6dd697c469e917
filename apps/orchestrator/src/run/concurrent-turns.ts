import { Injectable } from '@nestjs/common';
import { limits, ProblemError, type Agent } from '@taai/contracts';
import { sql, type Tx } from '@taai/entities';
import { log } from '@taai/platform';
import { RunCancellation } from './run-cancellation';
import { runStates } from './run-states';

const LOCK = sql(`select pg_advisory_xact_lock(hashtextextended('turns ' || $1, 0))`);

const OPEN = sql(`
  select id, turn from agent_runs where conversation_id = $1 and ${runStates.isOpen()} order by turn nulls first, id`);

type Open = { id: string; turn: number | null };

/** By then the turn that is under way may have ended. */
const RETRY_SECONDS = 5;

/**
 * What becomes of a turn while others of its conversation go on, as the agent says. Exact, because turns that begin at once wait for each
 * other.
 */
@Injectable()
export class ConcurrentTurns {
  constructor(private readonly cancellation: RunCancellation) {}

  /**
   * Lets a turn in, and ends the others where it interrupts them. Resolves to its place among those that wait, null for one that begins.
   * Throws `turn_in_progress` and `too_many_turns`.
   */
  async admit(tx: Tx, { concurrent_turns: policy }: Agent, conversation_id: string): Promise<number | null> {
    if (policy === 'parallel') return null;
    const open = await this.open(tx, conversation_id);
    if (open.length === 0) return null;
    if (policy === 'reject') throw new ProblemError('turn_in_progress');
    if (policy === 'enqueue') return behind(open);
    for (const { id } of open) await this.interrupt(tx, id);
    return null;
  }

  /** Ends all turns of a conversation, those that wait, too. */
  async endAll(tx: Tx, conversation_id: string): Promise<void> {
    for (const { id } of await this.open(tx, conversation_id)) await this.interrupt(tx, id);
  }

  /** The turns that have not ended, in their order. Until the transaction ends no other one is let in. */
  private async open(tx: Tx, conversation_id: string): Promise<Open[]> {
    await tx.read(LOCK, [conversation_id]);
    return tx.read<Open>(OPEN, [conversation_id]);
  }

  private async interrupt(tx: Tx, id: string): Promise<void> {
    const status = await this.cancellation.request(tx, id);
    tx.afterCommit(() => {
      // Whoever holds the run sees what the database says within seconds, should nobody tell it.
      this.cancellation
        .carryOut(id, status)
        .catch((error: unknown) => log.warn({ err: error, run_id: id }, 'a run that was interrupted is not told'));
    });
  }
}

function behind(open: readonly Open[]): number {
  const waiting = open.filter(({ turn }) => turn !== null);
  if (waiting.length >= limits.waitingTurns)
    throw new ProblemError('too_many_turns', undefined, { retry_after: RETRY_SECONDS });
  return (waiting.at(-1)?.turn ?? 0) + 1;
}
