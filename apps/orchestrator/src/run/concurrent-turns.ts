import { Injectable } from '@nestjs/common';
import { ProblemError, type Agent } from '@taai/contracts';
import { sql, type Tx } from '@taai/entities';
import { log } from '@taai/platform';
import { RunCancellation } from './run-cancellation';
import { runStates } from './run-states';

const LOCK = sql(`select pg_advisory_xact_lock(hashtextextended('turns ' || $1, 0))`);

const OPEN = sql(`select id from agent_runs where conversation_id = $1 and ${runStates.isOpen()} order by id`);

/**
 * What becomes of a turn while others of its conversation go on, as the agent says. Exact, because turns that begin at once wait for each
 * other.
 */
@Injectable()
export class ConcurrentTurns {
  constructor(private readonly cancellation: RunCancellation) {}

  /** Lets a turn begin, and ends the others where it interrupts them. Throws `turn_in_progress`. */
  async admit(tx: Tx, { concurrent_turns: policy }: Agent, conversation_id: string): Promise<void> {
    if (policy === 'parallel') return;
    await tx.read(LOCK, [conversation_id]);
    const open = await tx.read<{ id: string }>(OPEN, [conversation_id]);
    if (open.length > 0 && policy === 'reject') throw new ProblemError('turn_in_progress');
    for (const { id } of open) await this.interrupt(tx, id);
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
