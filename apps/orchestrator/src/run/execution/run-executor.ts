import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { isUnavailable } from '@taai/contracts';
import { Channels, LeaseLost, log, Periodic, REDIS, reportError, type RedisClient } from '@taai/platform';
import { runAs } from '@taai/tenant';
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

/**
 * The runs that this replica executes, a bounded number at once. It keeps their leases, and takes up runs that wait or whose replica is
 * gone.
 */
@Injectable()
export class RunExecutor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly running = new Map<string, Running>();
  private reserved = 0;
  private stopping = false;
  private readonly services: ExecutionServices;
  private readonly extending: Periodic;
  private readonly sweeping: Periodic;

  constructor(
    private readonly holder: RunHolder,
    providers: ProviderDirectory,
    @Inject(ModelCaller) caller: ChatCaller,
    @Inject(ToolBox) tools: ToolLoader,
    @Inject(REDIS) redis: RedisClient,
    channels: Channels,
    private readonly limits: RunLimits,
  ) {
    this.services = { holder, providers, caller, tools, redis, channels };
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

  /** Keeps a slot for a run that is being inserted, until `cancelReservation`; undefined when there is none. */
  reserve(): Lease | undefined {
    if (this.free <= 0) return undefined;
    this.reserved += 1;
    return this.holder.runs.lease;
  }

  cancelReservation(): void {
    this.reserved -= 1;
  }

  /** Executes a run that was inserted with a lease of this replica. */
  launch(row: RunRow): void {
    this.execute(row.tenant_id, row.id, (execution) => execution.start(row));
  }

  /** Executes a run that nobody holds, if there is a slot for it; else whichever replica has one first does. */
  async takeUp(tenant_id: string, id: string): Promise<void> {
    if (this.free > 0 && (await this.holder.claim(id))) this.resume(tenant_id, id);
  }

  /** Extends the leases of the runs, and stops those that another replica has taken over, or that somebody has cancelled. */
  async extend(): Promise<void> {
    const tenants = new Set([...this.running.values()].map(({ tenant_id }) => tenant_id));
    await Promise.all([...tenants].map((tenant) => this.extendFor(tenant)));
  }

  /** Fills free slots with runs that nobody executes. */
  async sweep(): Promise<void> {
    const batch = Math.min(BATCH, this.free);
    if (batch <= 0) return;
    const claimed = await this.holder.runs.claimDue(batch);
    for (const { tenant_id, id } of claimed) this.resume(tenant_id, id);
    if (claimed.length === batch) this.sweeping.wake();
  }

  /** Slots for further runs; none when the replica stops. */
  private get free(): number {
    return this.stopping ? 0 : this.limits.slots - this.running.size - this.reserved;
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
    if (!this.running.has(id)) this.execute(tenant_id, id, (execution) => execution.resume());
  }

  private execute(tenant_id: string, id: string, begin: (execution: RunExecution) => Promise<void>): void {
    const execution = new RunExecution(id, this.services);
    const done = runAs({ tenant_id, permissions: [], issuer: 'orchestrator' }, () =>
      begin(execution).catch((error: unknown) => this.giveUp(id, error)),
    ).finally(() => this.forget(id));
    this.running.set(id, { tenant_id, execution, done });
  }

  /** A run that met something that stays away is left to whoever can go on with it; one that failed otherwise, when its lease expires. */
  private async giveUp(id: string, error: unknown): Promise<void> {
    if (error instanceof LeaseLost) return log.warn({ run_id: id }, 'another replica has taken the run over');
    reportError(error, { run_id: id });
    if (isUnavailable(error)) await this.holder.release(id).catch(() => undefined);
  }

  private forget(id: string): void {
    const wasFull = this.free <= 0;
    this.running.delete(id);
    if (wasFull) this.sweeping.wake();
  }

  private async allDone(ms: number): Promise<void> {
    const patience = new AbortController();
    const all = [...this.running.values()].map(({ done }) => done);
    await Promise.race([Promise.all(all), delay(ms, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
  }
}
