import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { isUnavailable } from '@taai/contracts';
import { Channels, LeaseLost, log, Periodic, REDIS, reportError, RunLogRoom, type RedisClient } from '@taai/platform';
import { currentCaller, FairShare, runAs } from '@taai/tenant';
import { FileLoader } from '../../file/file-loader';
import { ModelCaller, type ChatCaller } from '../../model/model-caller';
import { ProviderDirectory } from '../../provider/provider-directory';
import { ToolBox, type ToolLoader } from '../../tool/tool-box';
import type { Lease, RunRow } from '../run-row';
import { RunExecution, type ExecutionServices } from './run-execution';
import { RunHolder } from './run-holder';
import { RunLimits } from './run-limits';

/** Runs claimed at once, so that replicas share what there is. */
const BATCH = 16;
/** For writing down what was interrupted. */
const RELEASE_MS = 5000;

/** A run in execution. `done` never rejects. */
interface Running {
  tenant_id: string;
  execution: RunExecution;
  done: Promise<void>;
}

/** A place that is kept for a run which is being inserted with this lease. */
export interface Slot {
  readonly lease: Lease;
  readonly tenant_id: string;
  /** Whether the run has it now. */
  isTaken: boolean;
}

/**
 * The runs that this replica executes, a bounded number at once, of which tenants have their shares. It keeps their leases, and takes up runs that wait or whose replica is
 * gone.
 */
@Injectable()
export class RunExecutor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly running = new Map<string, Running>();
  private readonly slots: FairShare;
  private stopping = false;
  private readonly services: ExecutionServices;
  private readonly extending: Periodic;
  private readonly sweeping: Periodic;

  constructor(
    private readonly holder: RunHolder,
    providers: ProviderDirectory,
    @Inject(ModelCaller) caller: ChatCaller,
    @Inject(ToolBox) tools: ToolLoader,
    files: FileLoader,
    @Inject(REDIS) redis: RedisClient,
    channels: Channels,
    logs: RunLogRoom,
    private readonly limits: RunLimits,
  ) {
    const onEnd = (run: RunRow) => this.beginTurn(run);
    this.services = { holder, providers, caller, tools, files, redis, channels, logs, onEnd };
    this.slots = new FairShare({ places: limits.slots, queue: 0 });
    this.extending = new Periodic(limits.extend_ms, () => this.extend());
    this.sweeping = new Periodic(limits.sweep_ms, () => this.sweep());
  }

  onApplicationBootstrap(): void {
    this.extending.wake();
    this.sweeping.wake();
  }

  /** Takes no more runs, lets the others end within their time, and leaves what remains to other replicas. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.sweeping.stop();
    this.stopping = true;
    await this.allDone(this.limits.drain_ms);
    for (const { execution } of this.running.values()) execution.stop('shutdown');
    await this.allDone(RELEASE_MS);
    await this.extending.stop();
  }

  /** Keeps a slot for a run of the caller's tenant that is being inserted, until `cancel`; undefined when there is none. */
  reserve(): Slot | undefined {
    const { tenant_id } = currentCaller();
    if (this.stopping || !this.slots.tryEnter(tenant_id)) return undefined;
    return { lease: this.holder.runs.lease, tenant_id, isTaken: false };
  }

  /** Gives the slot back, unless its run was launched. */
  cancel({ isTaken, tenant_id }: Slot): void {
    if (!isTaken) this.slots.leave(tenant_id);
  }

  /** Executes a run that was inserted with the slot's lease. */
  launch(row: RunRow, slot: Slot): void {
    slot.isTaken = true;
    this.execute(row.tenant_id, row.id, (execution) => execution.start(row));
  }

  /** Executes a run that nobody holds, if there is a slot for it; else whichever replica has one first does. */
  async takeUp(tenant_id: string, id: string): Promise<void> {
    if (this.stopping || !this.slots.tryEnter(tenant_id)) return;
    try {
      if (await this.holder.claim(id)) this.resume(tenant_id, id);
    } finally {
      this.slots.leave(tenant_id);
    }
  }

  /**
   * Has the next turn of the run's conversation begin, if turns wait in it and it is the next one's. In the background; what goes wrong
   * leaves it to the next sweep of whichever replica.
   */
  beginTurn({ id, tenant_id, conversation_id, state }: RunRow): void {
    if (conversation_id === null || state.concurrent_turns !== 'enqueue' || this.stopping) return;
    const begin = async () => {
      const next = await this.holder.runs.nextTurn(tenant_id, conversation_id);
      if (next) await this.takeUp(tenant_id, next);
    };
    runAs(background(tenant_id), begin).catch((error: unknown) =>
      log.warn({ err: error, run_id: id }, 'the turn behind the run is left to a sweep'),
    );
  }

  /** Extends the leases of the runs, and stops those that another replica has taken over, or that somebody has cancelled. */
  async extend(): Promise<void> {
    const tenants = new Set([...this.running.values()].map(({ tenant_id }) => tenant_id));
    await Promise.all([...tenants].map((tenant) => this.extendFor(tenant)));
  }

  /** Fills free slots with runs that nobody executes, half of them at once, so that no tenant has all before the others' turn. */
  async sweep(): Promise<void> {
    const batch = this.stopping ? 0 : Math.min(BATCH, Math.ceil(this.slots.unused / 2));
    if (batch <= 0) return;
    const claimed = await this.holder.runs.claimDue(batch, this.slots.full());
    for (const { tenant_id, id } of claimed) this.resume(tenant_id, id);
    if (claimed.length === batch) this.sweeping.wake();
  }

  private async extendFor(tenant_id: string): Promise<void> {
    const before = [...this.running].filter(([, run]) => run.tenant_id === tenant_id);
    const ids = before.map(([id]) => id);
    const held = new Map(
      (await this.holder.runs.extend(tenant_id, ids)).map(({ id, is_cancelled }) => [id, is_cancelled]),
    );
    for (const [id, { execution }] of before) {
      if (held.get(id) === undefined) execution.stop('lost');
      else if (held.get(id)) execution.stop('cancelled');
    }
  }

  private resume(tenant_id: string, id: string): void {
    if (this.running.has(id)) return;
    this.slots.hold(tenant_id);
    this.execute(tenant_id, id, (execution) => execution.resume());
  }

  private execute(tenant_id: string, id: string, begin: (execution: RunExecution) => Promise<void>): void {
    const execution = new RunExecution(id, this.services);
    const done = runAs(background(tenant_id), () =>
      begin(execution).catch((error: unknown) => this.giveUp(id, error)),
    ).finally(() => this.forget(tenant_id, id));
    this.running.set(id, { tenant_id, execution, done });
  }

  /** A run that met something that stays away is left to whoever can go on with it; one that failed otherwise, when its lease expires. */
  private async giveUp(id: string, error: unknown): Promise<void> {
    if (error instanceof LeaseLost) return log.warn({ run_id: id }, 'another replica has taken the run over');
    reportError(error, { run_id: id });
    if (isUnavailable(error)) await this.holder.release(id).catch(() => undefined);
  }

  private forget(tenant_id: string, id: string): void {
    const mayWait = this.slots.full().length > 0;
    this.running.delete(id);
    this.slots.leave(tenant_id);
    if (mayWait) this.sweeping.wake();
  }

  private async allDone(ms: number): Promise<void> {
    const patience = new AbortController();
    const all = [...this.running.values()].map(({ done }) => done);
    await Promise.race([Promise.all(all), delay(ms, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
  }
}

const background = (tenant_id: string) => ({ tenant_id, permissions: [], issuer: 'orchestrator' as const });
