import { Injectable } from '@nestjs/common';
import {
  found,
  hasEnded,
  ProblemError,
  type ActiveRuns,
  type DecideToolCall,
  type ListRuns,
  type PageOf,
  type Run,
  type RunDetail,
  type RunEvents,
  type ShownMessages,
} from '@taai/contracts';
import { fitting, idAfter, toFittingPage, withTenant, type Tx } from '@taai/entities';
import { RunLogReader } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { AgentRepository } from '../agent/agent.repository';
import { ConcurrentTurns } from './concurrent-turns';
import { RunExecutor } from './execution/run-executor';
import { RunCancellation } from './run-cancellation';
import { rebuildEvents } from './run-events';
import { APPROVE_RUNS, RunAccess } from '../access/run-access';
import type { RunRow } from './run-row';
import type { Execution } from './run-step';
import { RunStepRepository } from './run-step.repository';
import { timelineOf, toRun } from './run-view';
import { RunRepository } from './run.repository';

const decided = { approve: 'pending', reject: 'rejected' } as const;

/** How long `cancel` waits for a run to end, to answer with its end. */
const CANCEL_WAIT_MS = 3000;

/** Shows runs, and lets people decide on them: on tool calls that wait, and that a run ends. */
@Injectable()
export class RunService {
  constructor(
    private readonly db: DataSource,
    private readonly runs: RunRepository,
    private readonly access: RunAccess,
    private readonly steps: RunStepRepository,
    private readonly executor: RunExecutor,
    private readonly agents: AgentRepository,
    private readonly reader: RunLogReader,
    private readonly cancellation: RunCancellation,
    private readonly turns: ConcurrentTurns,
  ) {}

  async get(id: string): Promise<Run> {
    return toRun(await this.access.open(id, 'reader'));
  }

  /** How many of the messages that it was given the run's model is shown; null of a run that an older release has started. */
  async shown(id: string): Promise<ShownMessages> {
    const { state } = await this.access.open(id, 'reader');
    return { messages: state.shown_messages ?? null };
  }

  /** How many of the tenant's runs have not ended. */
  async active(): Promise<ActiveRuns> {
    return { active: await this.runs.countActive() };
  }

  /** The run with its timeline. */
  async inspect(id: string): Promise<RunDetail> {
    const run = await this.access.open(id, 'reader');
    const { steps, attempts } = await withTenant(this.db, async (tx) => ({
      steps: await this.steps.load(tx, id),
      attempts: await this.runs.attempts(tx, id),
    }));
    return { ...toRun(run), steps: timelineOf(run, steps, attempts) };
  }

  /**
   * Decides on a tool call that waits, and resolves to the run as it then stands. A call is decided once; the same decision again changes
   * nothing. The run goes on, at once and in one replica, when no call of it waits any more. Throws `not_found`, and `conflict` for a call
   * that is not, or was otherwise, decided on.
   */
  async decide(input: DecideToolCall): Promise<Run> {
    await this.access.open(input.id, 'writer', APPROVE_RUNS);
    const { tenant_id } = currentCaller();
    const goesOn = await withTenant(this.db, (tx) => this.recordDecision(tx, input));
    if (goesOn) await this.executor.takeUp(tenant_id, input.id);
    return toRun(await this.find(input.id));
  }

  async list({ id: agent_id, status, limit, cursor }: ListRuns): Promise<PageOf<Run>> {
    const after = idAfter(cursor);
    const scope = this.access.scope();
    const rows = await withTenant(this.db, async (tx) => {
      found('agent', await this.agents.rows.find(tx, { id: agent_id }));
      return this.runs.page(tx, agent_id, status, after, limit + 1, scope);
    });
    const page = toFittingPage(rows.map(toRun), limit);
    if (!scope) await this.access.auditList(page.data.map(({ id }) => id));
    return page;
  }

  /** Rebuilds the events after `after` of a run that has ended, as many as fit, its tokens merged. A run that goes on has them in its log. */
  async events(id: string, after = 0): Promise<RunEvents> {
    return this.rebuild(await this.access.open(id, 'reader'), after);
  }

  /** The same, for readers of the run's conversation. */
  async replay(id: string, after = 0): Promise<RunEvents> {
    return this.rebuild(await this.find(id), after);
  }

  private async rebuild(run: RunRow, after = 0): Promise<RunEvents> {
    if (!hasEnded(run)) return { events: [] };
    const steps = await withTenant(this.db, (tx) => this.steps.load(tx, run.id));
    return { events: fitting(rebuildEvents(run, steps).filter((event) => event.id > after)) };
  }

  /** The run at its end, or, if that takes long, as it stands. */
  async cancel(id: string): Promise<Run> {
    await this.access.open(id, 'writer');
    const status = await withTenant(this.db, (tx) => this.cancellation.request(tx, id));
    await this.cancellation.carryOut(id, status);
    if (status === 'running') await this.end(id);
    return toRun(await this.find(id));
  }

  /** Ends the runs of a conversation, wherever they are. */
  cancelFor(conversation_id: string): Promise<void> {
    return withTenant(this.db, (tx) => this.turns.endAll(tx, conversation_id));
  }

  /** Whether the run goes on. */
  private async recordDecision(tx: Tx, { id: run_id, tool_call_id, decision }: DecideToolCall): Promise<boolean> {
    // The executor holds the row while it decides whether to wait.
    const run = found('run', await this.runs.lock(tx, run_id));
    const call = found('tool call', await this.steps.find(tx, run_id, tool_call_id));
    const { user_id = null } = currentCaller();
    if (decision === 'approve' && call.separate_approver && run.user_id === user_id)
      throw new ProblemError('forbidden', 'Somebody other than who started the run must approve the call.');
    const counted = await this.steps.decide(tx, call.id, decided[decision], user_id);
    if (!counted && !isSame(call, decision)) throw new ProblemError('conflict', 'The tool call waits for no decision.');
    if (run.status !== 'waiting_approval' || (await this.steps.isWaiting(tx, run_id))) return false;
    await this.runs.resume(tx, run_id);
    return true;
  }

  /** Waits for the run's end. */
  private async end(id: string): Promise<void> {
    const signal = AbortSignal.timeout(CANCEL_WAIT_MS);
    const events = this.reader.read(id, {
      signal,
      rebuild: async () => (await this.rebuild(await this.find(id))).events,
    });
    while (!(await events.next()).done);
  }

  private async find(id: string): Promise<RunRow> {
    return found('run', await this.runs.get(id));
  }
}

const isSame = ({ decided_at, status }: Execution, decision: DecideToolCall['decision']): boolean =>
  decided_at !== null && (status === 'rejected') === (decision === 'reject');
