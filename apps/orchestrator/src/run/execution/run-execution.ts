import { isUnavailable } from '@taai/contracts';
import {
  keys,
  LeaseLost,
  resumeRebuilt,
  RunLogWriter,
  type RunLogRoom,
  type Channels,
  type RedisClient,
} from '@taai/platform';
import { untilAvailable } from '../../patience';
import type { ToolLoader } from '../../tool/tool-box';
import { committedEvents, committedId, retriedEvent, startedEvent } from '../run-events';
import type { RunRow } from '../run-row';
import type { HeldRun } from './held-run';
import { RunFailure, toRunFailure } from './run-failure';
import type { RunHolder } from './run-holder';
import { RunLoop, type Advance, type Models } from './run-loop';
import type { RunOutcome } from './run-outcome';

/** What ends an execution from outside: somebody asked, time is up, another replica has the run, this one stops. */
export type StopReason = 'cancelled' | 'deadline' | 'lost' | 'shutdown';

const tooLate = new RunFailure('deadline_exceeded', 'The run took longer than it may.');
const undecided = new RunFailure('approval_expired', 'Nobody has approved or rejected a tool call in time.');

/** The services that executions work with; one object for all runs of a replica. */
export interface ExecutionServices extends Models {
  holder: RunHolder;
  tools: ToolLoader;
  redis: RedisClient;
  channels: Channels;
  logs: Pick<RunLogRoom, 'ended'>;
  /** A run has ended, and its log is closed. */
  onEnd(run: RunRow): void;
}

/**
 * The execution of one run by this replica: to the run's end, until it waits for a person, or until another replica has it. The database
 * learns of everything before the log does: who reads a terminal event finds the run ended, and what a process that dies in
 * between has not logged, its successor logs from the database.
 */
export class RunExecution {
  private readonly aborter = new AbortController();
  private stopped: StopReason | undefined;

  constructor(
    private readonly id: string,
    private readonly services: ExecutionServices,
  ) {}

  /** Executes a run that was just inserted. Throws LeaseLost, and `service_unavailable` for a run that must go on later, as `resume` does. */
  start(row: RunRow): Promise<void> {
    const log = new RunLogWriter(this.services.redis, this.id, { onLost: () => this.stop('lost') });
    return this.drive(this.services.holder.hold(row, log));
  }

  /** Takes up a run that was claimed: from the queue, after an approval, or where another replica left it. */
  async resume(): Promise<void> {
    const { redis, holder } = this.services;
    const onLost = () => this.stop('lost');
    const log = await untilAvailable(() => RunLogWriter.takeOver(redis, this.id, { onLost }), this.aborter.signal);
    return this.drive(await holder.take(this.id, log));
  }

  /** Closes the provider's socket at once. The first reason counts. */
  stop(reason: StopReason): void {
    this.stopped ??= reason;
    this.aborter.abort();
  }

  private async drive(run: HeldRun): Promise<void> {
    const listener = { onMessage: () => this.stop('cancelled'), onSubscribed: () => undefined };
    const unlisten = this.services.channels.listen(keys.runCancel(this.id), listener);
    const timer = setTimeout(() => this.stop('deadline'), run.remaining_ms);
    if (run.row.cancel_requested_at) this.stop('cancelled');
    if (run.remaining_ms === 0) this.stop('deadline');
    try {
      beginLog(run);
      await this.leave(run, await this.advance(run));
    } finally {
      clearTimeout(timer);
      unlisten();
    }
  }

  private async advance(run: HeldRun): Promise<Advance> {
    try {
      const tools = this.stopped ? [] : await this.load(run.row.state.tools ?? []);
      const advance = await new RunLoop(run, tools, this.services, this.aborter.signal).advance();
      return advance.status === 'failed' ? this.explain(run, advance) : advance;
    } catch (error) {
      if (error instanceof LeaseLost || isUnavailable(error)) throw error;
      return this.explain(run, { status: 'failed', failure: toRunFailure(error), call: null });
    }
  }

  private load(tools: readonly string[]) {
    return untilAvailable(() => this.services.tools.load(tools), this.aborter.signal);
  }

  /** A call that was cut from here has a better reason than that it was aborted. */
  private explain({ row }: HeldRun, outcome: RunOutcome): RunOutcome {
    if (this.stopped === 'cancelled') return { ...outcome, status: 'cancelled', failure: null };
    if (this.stopped !== 'deadline') return outcome;
    return { ...outcome, failure: row.state.remaining_ms === undefined ? tooLate : undecided };
  }

  /** Ends the run, or leaves it to the replica that goes on with it. */
  private async leave(run: HeldRun, advance: Advance): Promise<void> {
    if (this.stopped === 'lost') throw new LeaseLost();
    if (advance.status === 'paused') return run.log.close();
    if (this.stopped === 'shutdown' && advance.status === 'failed') return run.handOver(advance.call);
    await run.finish(advance);
    await run.log.close();
    this.services.onEnd(run.row);
    await this.services.logs.ended(run.row.tenant_id, this.id);
  }
}

/** Begins the log; or logs what a dead replica had committed, and takes back what it had not. */
function beginLog({ row, steps, log }: HeldRun): void {
  const committed = committedId(row, steps);
  if (log.last_id === 0 && committed === 1) {
    const { type, data } = startedEvent(row);
    return log.append(type, data);
  }
  for (const event of resumeRebuilt(committedEvents(row, steps), log.last_id)) log.restore(event);
  if (log.last_id === committed) return;
  const { type, data } = retriedEvent(steps.length + 1, committed);
  log.append(type, data);
}
