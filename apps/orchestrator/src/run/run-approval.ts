import { Injectable } from '@nestjs/common';
import { found, ProblemError, type DecideToolCall } from '@taai/contracts';
import { withTenant, type Tx } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { RunExecutor } from './run-executor';
import { RunStepRepository } from './run-step.repository';
import { RunRepository } from './run.repository';

const decided = { approve: 'pending', reject: 'rejected' } as const;

/** What people decide of tool calls that wait for them. */
@Injectable()
export class RunApproval {
  constructor(
    private readonly db: DataSource,
    private readonly runs: RunRepository,
    private readonly steps: RunStepRepository,
    private readonly executor: RunExecutor,
  ) {}

  /**
   * A call is decided once; the same decision again changes nothing. The run goes on, at once and in one replica, when no call
   * of it waits any more. Throws `not_found`, and `conflict` for a call that is not, or was otherwise, decided on.
   */
  async decide(input: DecideToolCall): Promise<void> {
    const { tenant_id } = currentCaller();
    const goesOn = await withTenant(this.db, (tx) => this.record(tx, input));
    if (goesOn) await this.executor.takeUp(tenant_id, input.id);
  }

  private async record(tx: Tx, { id: run_id, tool_call_id, decision }: DecideToolCall): Promise<boolean> {
    // The executor holds the row while it decides whether to wait.
    const run = found('run', await this.runs.lock(tx, run_id));
    const call = found('tool call', await this.steps.find(tx, run_id, tool_call_id));
    const { user_id = null } = currentCaller();
    const counted = await this.steps.decide(tx, call.id, decided[decision], user_id);
    if (!counted && !isSame(call, decision)) throw new ProblemError('conflict', 'The tool call waits for no decision.');
    if (run.status !== 'waiting_approval' || (await this.steps.isWaiting(tx, run_id))) return false;
    await this.runs.resume(tx, run_id);
    return true;
  }
}

const isSame = (call: { decided_at: Date | null; status: string }, decision: DecideToolCall['decision']): boolean =>
  call.decided_at !== null && (call.status === 'rejected') === (decision === 'reject');
