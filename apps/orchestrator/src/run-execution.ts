import { setTimeout as delay } from 'node:timers/promises';
import { keys, LeaseLost, reportError, RunLogWriter, wakeRelay, type Channels, type RedisClient } from '@taai/platform';
import { ProviderError, type ChatRequest } from '@taai/providers';
import { callModel } from './model-call';
import { retriedEvent, startedEvent } from './run-events';
import { RunFailure } from './run-failure';
import { stepStart, type Outcome, type RunSteps } from './run-steps';
import type { RunRow } from './run.repository';

/** What ends an execution from outside: somebody asked, time is up, another replica has the run, this one stops. */
export type StopReason = 'cancelled' | 'deadline' | 'lost' | 'shutdown';

/** Attempts to write a run's end into a database that does not answer, and milliseconds between them. */
const FINISH_ATTEMPTS = 5;
const FINISH_PAUSE_MS = 1000;
/** How much later than the run's own deadline the adapter's expires, so that the run's gives the reason. */
const BACKSTOP_MS = 5000;

const tooLate = new RunFailure('deadline_exceeded', 'The run took longer than it may.');

export interface ExecutionContext {
  /** The replica, as the lease names it. */
  owner: string;
  steps: RunSteps;
  redis: RedisClient;
  channels: Channels;
}

/**
 * One run in the hands of this replica, to its end, or until another replica has it. The database learns of the end before
 * the log does: who reads a terminal event finds the run ended, and when this process dies in between, readers get the event
 * from the database.
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
    const { redis } = this.context;
    return this.drive(run, new RunLogWriter(redis, this.id, { onLost: () => this.stop('lost') }));
  }

  /** Takes up a run that was claimed: one from the queue, or one that another replica left in the middle of a step. */
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

  private async drive(run: RunRow, log: RunLogWriter): Promise<void> {
    const listener = { onMessage: () => this.stop('cancelled'), onSubscribed: () => undefined };
    const unlisten = this.context.channels.listen(keys.runCancel(this.id), listener);
    const timer = setTimeout(() => this.stop('deadline'), remainingMs(run));
    if (run.cancel_requested_at) this.stop('cancelled');
    if (remainingMs(run) === 0) this.stop('deadline');
    try {
      announce(run, log);
      const outcome = await this.attempt(run, log);
      if (this.stopped === 'lost') throw new LeaseLost();
      if (this.stopped === 'shutdown' && outcome.status === 'failed') await this.handOver(run, outcome);
      else await this.finish(run, outcome, log);
    } finally {
      clearTimeout(timer);
      unlisten();
    }
  }

  private async attempt(run: RunRow, log: RunLogWriter): Promise<Outcome> {
    if (this.stopped) return { ...judge(aborted, this.stopped), call: null };
    try {
      const { call_id, adapter, kind } = await this.context.steps.open(run, this.context.owner);
      const reply = await callModel(adapter, requestOf(run), {
        signal: this.aborter.signal,
        timeout_ms: remainingMs(run) + BACKSTOP_MS,
        onEvent: (event) => {
          if (event.type === 'text') log.appendToken(event.text);
        },
      });
      return { ...judge(reply.failure, this.stopped), call: { call_id, kind, reply } };
    } catch (error) {
      if (!(error instanceof RunFailure)) throw error;
      return { status: 'failed', failure: error, call: null };
    }
  }

  private async finish(run: RunRow, outcome: Outcome, log: RunLogWriter): Promise<void> {
    const { steps, owner, redis } = this.context;
    const last = await persistently(() => steps.finish(run, owner, outcome, log.last_id));
    wakeRelay(redis);
    for (const { type, data } of last) log.append(type, data);
    await log.close();
  }

  private async handOver(run: RunRow, { call }: Outcome): Promise<void> {
    const { steps, owner } = this.context;
    await persistently(() => steps.handOver(run, owner, call));
  }
}

const aborted = new ProviderError('aborted', 'The run was stopped before its provider was called.');

const remainingMs = ({ deadline_at }: RunRow): number => Math.max(0, (deadline_at?.getTime() ?? 0) - Date.now());

/** Begins the log, or takes back what a dead replica had of the step. */
function announce(run: RunRow, log: RunLogWriter): void {
  const before = stepStart(run);
  if (log.last_id === before) return;
  const { type, data } = log.last_id === 0 ? startedEvent(run) : retriedEvent(run.step + 1, before);
  log.append(type, data);
}

function requestOf({ input, state }: RunRow): ChatRequest {
  const { model, temperature, max_output_tokens } = state;
  return {
    model,
    messages: input,
    ...(temperature !== null && { temperature }),
    ...(max_output_tokens !== null && { max_output_tokens }),
  };
}

function judge(failure: Error | null, stopped: StopReason | undefined): Pick<Outcome, 'status' | 'failure'> {
  if (!failure) return { status: 'completed', failure: null };
  if (stopped === 'cancelled') return { status: 'cancelled', failure: null };
  if (stopped === 'deadline') return { status: 'failed', failure: tooLate };
  if (failure instanceof RunFailure || failure instanceof ProviderError) return { status: 'failed', failure };
  reportError(failure);
  return { status: 'failed', failure: new RunFailure('internal', 'Something failed on our side.') };
}

/** A database that restarts must not cost an answer that was paid for. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LeaseLost || attempt === FINISH_ATTEMPTS) throw error;
      await delay(FINISH_PAUSE_MS);
    }
  }
}
