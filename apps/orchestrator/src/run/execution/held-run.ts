import type { TokenUsage } from '@taai/contracts';
import { closeCall, emit, openCall, withTenant, type CloseCall, type Tx } from '@taai/entities';
import type { RunLogWriter, TokenSpending } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import type { PriceBook } from '../../accounting/price-book';
import {
  accountFor,
  addUsage,
  outcomeOf,
  roughPromptTokens,
  roughUsage,
  tokensOf,
} from '../../accounting/usage-estimate';
import type { CallAccounting } from '../../model/call-accounting';
import type { Attempt, Candidate } from '../../model/candidate';
import { untilCommitted } from '../../patience';
import { approvalEvent, committedId, endingEvents, stepEvents, toolResultEvent, type EventBody } from '../run-events';
import type { RunRow } from '../run-row';
import { numbered, type Execution, type Step, type StepDraft, type ToolOutcome } from '../run-step';
import type { RunStepRepository } from '../run-step.repository';
import type { HeldRunRepository } from './held-run.repository';
import { messagesOf } from './run-messages';
import { endingOf, type RunOutcome } from './run-outcome';

/** The services that the transactions of a replica's runs use. */
export interface RunStore {
  db: DataSource;
  runs: HeldRunRepository;
  steps: RunStepRepository;
  prices: PriceBook;
  spending: TokenSpending;
}

/**
 * A run in the hands of its lease holder. Its methods are the holder's transactions: each commits what the ledger, the run and its steps
 * say together, then logs it, and throws `LeaseLost`, changing nothing, when another replica has the run. They wait for a database that is
 * away, and throw `service_unavailable` when it stays away.
 */
export class HeldRun implements CallAccounting {
  /** Results are committed and logged one by one: the numbers of their events are consecutive. */
  private settling: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: RunStore,
    readonly log: RunLogWriter,
    readonly row: RunRow,
    /** The steps that it has behind it. */
    public steps: Step[],
  ) {}

  /** Milliseconds to its deadline. */
  get remaining_ms(): number {
    return Math.max(0, (this.row.deadline_at?.getTime() ?? 0) - Date.now());
  }

  /** The messages that the model is shown next. */
  get messages() {
    return messagesOf(this.row, this.steps);
  }

  /** Opens the next call of a model. */
  async open(call_id: string, candidate: Candidate): Promise<void> {
    const { agent_id, id: run_id, user_id, conversation_id, state } = this.row;
    const { provider_id, kind: provider_kind, model } = candidate;
    await this.store.prices.assertPriced(candidate);
    const input_tokens = roughPromptTokens({ messages: this.messages });
    const origin = { agent_id, run_id, step: this.steps.length + 1, user_id, conversation_id };
    const call = { call_id, kind: 'chat', provider_id, provider_kind, model, input_tokens, ...origin };
    await this.commit(async (tx) => {
      await this.store.runs.noteCall(tx, run_id, call_id);
      await openCall(tx, { ...call, api_key_id: state.api_key_id });
    });
  }

  /** Closes a call after which another one follows. */
  async close(attempt: Attempt): Promise<TokenUsage> {
    const closing = await this.closingOf(attempt);
    const { used, usage } = await this.commit((tx) => this.drop(tx, closing));
    this.row.usage = usage;
    return used;
  }

  /** Closes a call whose answer called tools or has to be mended, and makes the answer a step. */
  async advance(attempt: Attempt, draft: StepDraft): Promise<void> {
    // What is committed as said should be in the log; should Redis be away, readers get it once it is back.
    await this.log.flush().catch(() => undefined);
    const logged = this.log.last_id;
    const { id } = this.row;
    const closing = await this.closingOf(attempt);
    const step = await this.commit(async (tx) => {
      const usage = addUsage(this.row.usage, await closeCall(tx, closing));
      const step = numbered(draft, usage, logged);
      await this.store.runs.advance(tx, id, usage, step.step, step.last_event_id + step.executions.length);
      await this.store.steps.insert(tx, id, step);
      return step;
    });
    this.row.usage = step.usage;
    this.steps.push(step);
    this.append(stepEvents(step));
  }

  /** A tool is about to be called: it is not called again, unless that does no harm. */
  async begin({ id }: Execution): Promise<void> {
    await this.commit(async (tx) => {
      await this.store.runs.hold(tx, this.row.id);
      await this.store.steps.begin(tx, id);
    });
  }

  /** Commits the outcome of a tool call. */
  settle(execution: Execution, outcome: ToolOutcome): Promise<void> {
    this.settling = this.settling.then(() => this.settleNext(execution, outcome));
    return this.settling;
  }

  /**
   * Leaves the run until a person has decided on the calls that wait. Resolves to false when all were decided meanwhile: then `steps` are
   * as that left them, and the run goes on.
   */
  async pause(): Promise<boolean> {
    const { id } = this.row;
    const { remaining_ms } = this;
    const logged = this.log.last_id;
    const waiting = await this.commit(async (tx) => {
      // Who decides locks the run's row as well.
      await this.store.runs.hold(tx, id);
      const waiting = await this.store.steps.announceWaiting(tx, id, logged);
      const last_event_id = logged + waiting.length;
      if (waiting.length > 0) await this.store.runs.pause(tx, id, { remaining_ms, last_event_id });
      else this.steps = await this.store.steps.load(tx, id);
      return waiting;
    });
    this.append(waiting.map(approvalEvent));
    return waiting.length > 0;
  }

  /** Ends the run. */
  async finish(outcome: RunOutcome): Promise<void> {
    const { id, agent_id, conversation_id } = this.row;
    const { status, call } = outcome;
    const logged = this.log.last_id;
    const closing = call && (await this.closingOf(call));
    const events = await this.commit(async (tx) => {
      const usage = closing ? addUsage(this.row.usage, await closeCall(tx, closing)) : this.row.usage;
      const ending = endingOf(outcome, usage);
      const events = endingEvents(ending);
      const end = { step: this.steps.length + (call ? 1 : 0), last_event_id: logged + events.length };
      await this.store.runs.finish(tx, id, { ...ending, ...end });
      await this.store.steps.abandon(tx, id);
      // A run that was cancelled concerns the fleet alone: its conversation gets what was said.
      await emit(tx, `agent.run.${status}`, { run_id: id, agent_id, conversation_id, status });
      return events;
    });
    this.append(events);
  }

  /** Leaves the run to another replica, which makes the call again. */
  async handOver(call: Attempt | null): Promise<void> {
    const closing = call && (await this.closingOf(call));
    await this.commit(async (tx) => {
      if (closing) await this.drop(tx, closing);
      await this.store.runs.release(tx, this.row.id);
    });
  }

  /** Closes the call that a dead replica left, if it left one, by what the log has of it. */
  async closeLost(tx: Tx): Promise<void> {
    const { call_id } = this.row.state;
    if (call_id === undefined) return;
    const pieces = Math.max(0, this.log.last_id - committedId(this.row, this.steps));
    const estimate = roughUsage({ messages: this.messages }, pieces);
    const lost = { error_code: 'replica_lost', latency_ms: null, is_estimated: true };
    const { usage } = await this.drop(tx, { ...estimate, ...lost, call_id, status: 'estimated' });
    this.row.usage = usage;
  }

  private async settleNext(execution: Execution, outcome: ToolOutcome): Promise<void> {
    const result_event_id = this.log.last_id + 1;
    const settlement = { ...outcome, result_event_id };
    await this.commit(async (tx) => {
      await this.store.runs.noteEvent(tx, this.row.id, result_event_id);
      await this.store.steps.settle(tx, execution.id, settlement);
    });
    Object.assign(execution, settlement);
    this.append([toolResultEvent(execution)]);
  }

  /** Closes a call that ends no step; resolves to what it used, and to what the run has used with it. */
  private async drop(tx: Tx, closing: CloseCall): Promise<{ used: TokenUsage; usage: TokenUsage }> {
    const used = await closeCall(tx, closing);
    const usage = addUsage(this.row.usage, used);
    await this.store.runs.dropCall(tx, this.row.id, usage);
    return { used, usage };
  }

  /** Before the transaction that it is written in: to count tokens may take a while. */
  private async closingOf({ call_id, candidate, reply }: Attempt): Promise<CloseCall> {
    const account = await accountFor(reply, { messages: this.messages }, candidate.kind);
    this.store.spending.spend(currentCaller().tenant_id, tokensOf(account));
    return { ...outcomeOf(reply, account), call_id };
  }

  private commit<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return untilCommitted(() => withTenant(this.store.db, work));
  }

  private append(events: readonly EventBody[]): void {
    for (const { type, data } of events) this.log.append(type, data);
  }
}
