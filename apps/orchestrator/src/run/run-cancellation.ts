import { Inject, Injectable } from '@nestjs/common';
import { found, type RunStatus } from '@taai/contracts';
import type { Tx } from '@taai/entities';
import { keys, log, REDIS, RunLogWriter, type RedisClient } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { RunExecutor } from './execution/run-executor';
import { endingEvents, endingOfRow } from './run-events';
import type { RunRow } from './run-row';
import { RunRepository } from './run.repository';

/** Ends runs before they have ended by themselves: in the database first, then wherever they are executed. */
@Injectable()
export class RunCancellation {
  constructor(
    private readonly runs: RunRepository,
    private readonly executor: RunExecutor,
    @Inject(REDIS) private readonly redis: RedisClient,
  ) {}

  /** What became of the run: `cancelled` if nobody executed it, undefined if it had ended. `carryOut` wants to be called after the commit. */
  request(tx: Tx, id: string): Promise<RunStatus | undefined> {
    return this.runs.requestCancel(tx, id);
  }

  /** Tells whoever executes the run, or closes the log that nobody else writes. */
  async carryOut(id: string, status: RunStatus | undefined): Promise<void> {
    if (status === undefined) return;
    if (status === 'cancelled') {
      const run = found('run', await this.runs.get(id));
      this.executor.beginTurn(run);
      return this.closeLog(run);
    }
    await this.executor.takeUp(currentCaller().tenant_id, id);
    await this.redis.publish(keys.runCancel(id), '');
  }

  private async closeLog(run: RunRow): Promise<void> {
    const writer = new RunLogWriter(this.redis, run.id);
    for (const { type, data } of endingEvents(endingOfRow(run))) writer.append(type, data);
    await writer
      .flush()
      .catch((error: unknown) => log.warn({ err: error, run_id: run.id }, 'the end is not in the log'));
  }
}
