import {
  keys,
  LeaseLost,
  resumeRebuilt,
  RunLogWriter,
  wakeRelay,
  type Channels,
  type RedisClient,
} from '@taai/platform';
import type { Asker } from '../model/model-caller';
import { committedEvents, retriedEvent, startedEvent } from './run-events';
import { persistently } from './retry-until-committed';
import { RunFailure, toRunFailure } from './run-failure';
import { remainingMs, RunLoop, type Advance } from './run-loop';
import type { RunModels } from './run-models';
import { committedId, type Outcome, type RunProgress, type RunSteps } from './held-run';
import type { RunRow } from './run.repository';
import type { ToolLoader } from '../tool/tool-box';

/** What ends an execution from outside: somebody asked, time is up, another replica has the run, this one stops. */
export type StopReason = 'cancelled' | 'deadline' | 'lost' | 'shutdown';

const tooLate = new RunFailure('deadline_exceeded', 'The run took longer than it may.');
const undecided = new RunFailure('approval_expired', 'Nobody has approved or rejected a tool call in time.');

export interface ExecutionContext {
  /** The replica, as the lease names it. */
  owner: string;
  steps: RunSteps;
  models: RunModels;
  caller: Asker;
  tools: ToolLoader;
  redis: RedisClient;
  channels: Channels;
}

/**
 * One run in the hands of this replica, to its end, until it waits for a person, or until another replica has it. The database
 * learns of everything before the log does: who reads a terminal event finds the run ended, and what a process that dies in
 * between has not logged, its heir logs from the database.
 */
export class RunExecution {
  private readonly aborter = new AbortController();
  private stopped: StopReason | undefined;

  constructor(
    private readonly id: string,
    private readonly context: ExecutionContext,
  ) {}

  /** Executes a run that was just inserted. Throws LeaseLost, as `resume` does. */
  start(run: RunRow): Promise<void> {
    const log = new RunLogWriter(this.context.redis, this.id, { onLost: () => this.stop('lost') });
    return this.drive({ run, steps: [] }, log);
  }

  /** Takes up a run that was claimed: from the queue, after an approval, or where another replica left it. */
  async resume(): Promise<void> {
    const { redis, steps, owner } = this.context;
    const log = await RunLogWriter.takeOver(redis, this.id, { onLost: () => this.stop('lost') });
    return this.drive(await steps.take(this.id, owner, log.last_id), log);
  }

  /** Closes the provider's socket at once. The first reason counts. */
  stop(reason: StopReason): void {
    this.stopped ??= reason;
    this.aborter.abort();
  }

  private async drive(progress: RunProgress, log: RunLogWriter): Promise<void> {
    const listener = { onMessage: () => this.stop('cancelled'), onSubscribed: () => undefined };
    const unlisten = this.context.channels.listen(keys.runCancel(this.id), listener);
    const timer = setTimeout(() => this.stop('deadline'), remainingMs(progress));
    if (progress.run.cancel_requested_at) this.stop('cancelled');
    if (remainingMs(progress) === 0) this.stop('deadline');
    try {
      announce(progress, log);
      const advance = await this.attempt(progress, log);
      if (this.stopped === 'lost') throw new LeaseLost();
      if (advance.status === 'paused') await log.close();
      else if (this.stopped === 'shutdown' && advance.status === 'failed') await this.handOver(progress, advance);
      else await this.finish(progress, advance, log);
    } finally {
      clearTimeout(timer);
      unlisten();
    }
  }

  private async attempt(progress: RunProgress, log: RunLogWriter): Promise<Advance> {
    const { owner, steps, models, caller, tools: box } = this.context;
    const { signal } = this.aborter;
    try {
      const tools = this.stopped ? [] : await box.load(progress.run.state.tools ?? []);
      const loop = new RunLoop(progress, { owner, steps, models, caller, log, tools, signal });
      const advance = await loop.advance();
      return advance.status === 'failed' ? this.judge(progress, advance) : advance;
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      return this.judge(progress, { status: 'failed', failure: toRunFailure(error), call: null });
    }
  }

  /** A call that was cut from here has a better reason than that it was aborted. */
  private judge({ run }: RunProgress, outcome: Outcome): Outcome {
    if (this.stopped === 'cancelled') return { ...outcome, status: 'cancelled', failure: null };
    if (this.stopped !== 'deadline') return outcome;
    return { ...outcome, failure: run.state.remaining_ms === undefined ? tooLate : undecided };
  }

  private async finish(progress: RunProgress, outcome: Outcome, log: RunLogWriter): Promise<void> {
    const { steps, owner, redis } = this.context;
    const last = await persistently(() => steps.finish(progress, owner, outcome, log.last_id));
    wakeRelay(redis);
    for (const { type, data } of last) log.append(type, data);
    await log.close();
  }

  private async handOver(progress: RunProgress, { call }: Outcome): Promise<void> {
    const { steps, owner } = this.context;
    await persistently(() => steps.handOver(progress, owner, call));
  }
}

/** Begins the log; or logs what a dead replica had committed, and takes back what it had not. */
function announce(progress: RunProgress, log: RunLogWriter): void {
  const { run, steps } = progress;
  const committed = committedId(progress);
  if (log.last_id === 0 && committed === 1) {
    const { type, data } = startedEvent(run);
    return log.append(type, data);
  }
  for (const event of resumeRebuilt(committedEvents(run, steps), log.last_id)) log.restore(event);
  if (log.last_id === committed) return;
  const { type, data } = retriedEvent(steps.length + 1, committed);
  log.append(type, data);
}
