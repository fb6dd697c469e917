import { Injectable } from '@nestjs/common';
import type { TokenUsage } from '@taai/contracts';
import { closeCall, emit, openCall, withTenant, type CloseCall, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import type { Attempt, Candidate } from '../model/model-caller';
import { committedEvents, endingEvents, type EventBody } from './run-events';
import type { RunFailure } from './run-failure';
import { RunLimits } from './run-limits';
import { messagesOf } from './run-messages';
import { RunStepRepository, type Execution, type Settlement, type Step } from './run-step.repository';
import { RunRepository, type Lease, type RunRow } from './run.repository';
import { errorCodeOf } from '../model/model-failure';
import { storable } from '../texts';
import { accountFor, addUsage, roughPromptTokens, roughUsage, type Account } from '../accounting/usage-estimate';

/** A run in the hands of its executor, and the steps that it has behind it. */
export interface RunProgress {
  run: RunRow;
  steps: Step[];
}

/** How a run ends. */
export interface Outcome {
  status: 'completed' | 'failed' | 'cancelled';
  failure: Pick<RunFailure, 'code' | 'message'> | null;
  /** The call that ended it, if there was one. */
  call: Attempt | null;
}

/** The id of the last event that is certain: what a dead replica logged after it is void. */
export const committedId = ({ run, steps }: RunProgress): number => committedEvents(run, steps).at(-1)?.id ?? 1;

/**
 * The transactions between which a run is executed. Each commits what the ledger and the run say together, and throws
 * `LeaseLost`, changing nothing, when another replica has the run.
 */
@Injectable()
export class RunSteps {
  constructor(
    private readonly db: DataSource,
    private readonly runs: RunRepository,
    private readonly rows: RunStepRepository,
    private readonly limits: RunLimits,
  ) {}

  /** Takes a run that nobody holds. */
  claim(id: string, lease: Lease): Promise<boolean> {
    return withTenant(this.db, (tx) => this.runs.claim(tx, id, lease));
  }

  /** Opens the next call, to be made after the commit. */
  async open({ run, steps }: RunProgress, owner: string, call_id: string, candidate: Candidate): Promise<void> {
    const { agent_id, id: run_id, user_id, conversation_id, state } = run;
    const { provider_id, kind: provider_kind, model } = candidate;
    const reasons = {
      agent_id,
      run_id,
      user_id,
      api_key_id: state.api_key_id,
      conversation_id,
      step: steps.length + 1,
      input_tokens: roughPromptTokens({ messages: messagesOf(run, steps) }),
    };
    await withTenant(this.db, async (tx) => {
      await this.runs.noteCall(tx, run_id, owner, call_id);
      await openCall(tx, { call_id, kind: 'chat', provider_id, provider_kind, model, ...reasons });
    });
  }

  /** Closes a call after which another one follows. */
  async close(progress: RunProgress, owner: string, attempt: Attempt): Promise<void> {
    const { run } = progress;
    const closing = await closingOf(progress, attempt);
    run.usage = await withTenant(this.db, async (tx) => {
      const usage = addUsage(run.usage, await closeCall(tx, closing));
      await this.runs.dropCall(tx, run.id, owner, usage);
      return usage;
    });
  }

  /**
   * Commits an answer after which the run goes on. `logged`: events that the log has before those of the step, which follow in
   * the order of their numbers.
   */
  async advance(progress: RunProgress, owner: string, attempt: Attempt, draft: StepDraft, logged: number) {
    const { run, steps } = progress;
    const closing = await closingOf(progress, attempt);
    const step = await withTenant(this.db, async (tx) => {
      const usage = addUsage(run.usage, await closeCall(tx, closing));
      const step = numbered({ ...draft, usage }, logged);
      await this.runs.advance(tx, run.id, owner, usage, step.step, step.last_event_id + step.executions.length);
      await this.rows.insert(tx, run.id, step);
      return step;
    });
    run.usage = step.usage;
    steps.push(step);
  }

  /** A tool is about to be called: it is not called again, unless that does no harm. */
  async begin({ run }: RunProgress, owner: string, { id }: Execution): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await this.runs.hold(tx, run.id, owner);
      await this.rows.begin(tx, id);
    });
  }

  /** Commits what became of a tool call, before the log tells it under `result_event_id`. */
  async settle({ run }: RunProgress, owner: string, execution: Execution, settlement: Settlement): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await this.runs.noteEvent(tx, run.id, owner, settlement.result_event_id ?? 0);
      await this.rows.settle(tx, execution.id, settlement);
    });
    Object.assign(execution, settlement);
  }

  /**
   * Leaves the run until a person has decided. Resolves to the calls that wait, numbered as the log's next events; to none when
   * all were decided meanwhile: then `steps` are as that left them.
   */
  async pause(progress: RunProgress, owner: string, remaining_ms: number, logged: number): Promise<Execution[]> {
    const { run } = progress;
    return withTenant(this.db, async (tx) => {
      // Who decides locks the run's row as well.
      await this.runs.hold(tx, run.id, owner);
      const waiting = await this.rows.announceWaiting(tx, run.id, logged);
      const last_event_id = logged + waiting.length;
      const pause = { remaining_ms, seconds: this.limits.approval_seconds, last_event_id };
      if (waiting.length > 0) await this.runs.pause(tx, run.id, owner, pause);
      else progress.steps = await this.rows.load(tx, run.id);
      return waiting;
    });
  }

  /** Ends the run, and resolves to its last events. `logged`: how many its log has before them. */
  async finish(
    progress: RunProgress,
    owner: string,
    { status, failure, call }: Outcome,
    logged: number,
  ): Promise<EventBody[]> {
    const { run, steps } = progress;
    const closing = call && (await closingOf(progress, call));
    return withTenant(this.db, async (tx) => {
      const ending = {
        status,
        output: call && call.reply.text.toWellFormed(),
        error_code: failure?.code ?? null,
        error_detail: failure && storable(failure.message),
        usage: closing ? addUsage(run.usage, await closeCall(tx, closing)) : run.usage,
      };
      const events = endingEvents(ending);
      const step = steps.length + (call ? 1 : 0);
      await this.runs.finish(tx, run.id, owner, { ...ending, step, last_event_id: logged + events.length });
      await this.rows.abandon(tx, run.id);
      const { id: run_id, agent_id, conversation_id } = run;
      if (status !== 'cancelled') await emit(tx, `agent.run.${status}`, { run_id, agent_id, conversation_id, status });
      return events;
    });
  }

  /** Leaves the run to another replica, which makes the call again. */
  async handOver(progress: RunProgress, owner: string, call: Attempt | null): Promise<void> {
    const { run } = progress;
    const closing = call && (await closingOf(progress, call));
    await withTenant(this.db, async (tx) => {
      if (closing) await this.runs.dropCall(tx, run.id, owner, addUsage(run.usage, await closeCall(tx, closing)));
      await this.runs.release(tx, run.id, owner);
    });
  }

  /** Takes a claimed run up, whose log has `logged` events; closes the call that a dead replica left. */
  take(id: string, owner: string, logged: number): Promise<RunProgress> {
    return withTenant(this.db, async (tx) => {
      const run = await this.runs.take(tx, id, owner);
      const progress = { run, steps: await this.rows.load(tx, id) };
      const { call_id } = run.state;
      if (call_id !== undefined) run.usage = await this.closeLost(tx, progress, owner, call_id, logged);
      return progress;
    });
  }

  private async closeLost(tx: Tx, progress: RunProgress, owner: string, call_id: string, logged: number) {
    const { run, steps } = progress;
    const pieces = Math.max(0, logged - committedId(progress));
    const estimate: Account = { ...roughUsage({ messages: messagesOf(run, steps) }, pieces), is_estimated: true };
    const gone = { error_code: 'replica_lost', latency_ms: null };
    const lost = await closeCall(tx, { ...estimate, ...gone, call_id, status: 'estimated' });
    const usage = addUsage(run.usage, lost);
    await this.runs.dropCall(tx, run.id, owner, usage);
    return usage;
  }
}

/** A step before its events have numbers. */
export type StepDraft = Pick<Step, 'step' | 'output' | 'tool_calls' | 'executions'>;

/** Numbers the events of a step from the log's next one on: `usage`, then each call. */
function numbered(draft: StepDraft & { usage: TokenUsage }, logged: number): Step {
  const last_event_id = logged + 1;
  const executions = draft.executions.map((execution, index) => ({
    ...execution,
    call_event_id: last_event_id + 1 + index,
  }));
  return { ...draft, executions, last_event_id };
}

/** Before the transaction that it is written in: to estimate may take a while. */
async function closingOf({ run, steps }: RunProgress, { call_id, candidate, reply }: Attempt): Promise<CloseCall> {
  const { failure, latency_ms } = reply;
  const error_code = failure && errorCodeOf(failure);
  const account = await accountFor(reply, { messages: messagesOf(run, steps) }, candidate.kind);
  return { ...account, call_id, status: 'closed', error_code, latency_ms };
}
