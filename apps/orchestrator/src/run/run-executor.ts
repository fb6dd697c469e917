import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { Channels, LeaseLost, log, REDIS, reportError, type RedisClient } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { ModelCaller, type Asker } from '../model/model-caller';
import { RunExecution } from './run-execution';
import { RunLimits } from './run-limits';
import { RunModels } from './run-models';
import { RunSteps } from './held-run';
import type { Lease, RunRow } from './run.repository';
import { ToolBox, type ToolLoader } from '../tool/tool-box';

/** For writing down what was interrupted. */
const RELEASE_MS = 5000;

/** A run in execution. `done` never rejects. */
interface Running {
  tenant_id: string;
  execution: RunExecution;
  done: Promise<void>;
}

/** What a start brought: its answer, and the run if it is a new one. */
interface Admission<T> {
  answer: T;
  created?: RunRow | undefined;
}

/** The runs that this replica executes, a bounded number at once. */
@Injectable()
export class RunExecutor {
  readonly owner = `orchestrator-${randomUUID()}`;
  readonly running = new Map<string, Running>();
  /** Called when a replica that had no free slot has one again. */
  onFreed: () => void = () => undefined;
  private admitting = 0;
  private stopping = false;

  constructor(
    private readonly steps: RunSteps,
    private readonly models: RunModels,
    @Inject(ModelCaller) private readonly caller: Asker,
    @Inject(ToolBox) private readonly tools: ToolLoader,
    @Inject(REDIS) private readonly redis: RedisClient,
    private readonly channels: Channels,
    private readonly limits: RunLimits,
  ) {}

  /** Slots for further runs; none when the replica stops. */
  get free(): number {
    return this.stopping ? 0 : this.limits.slots - this.running.size - this.admitting;
  }

  /** For one more run; undefined when there is no slot for it. */
  get lease(): Lease | undefined {
    return this.free > 0 ? { owner: this.owner, seconds: this.limits.lease_seconds } : undefined;
  }

  /** Has a run inserted, with a lease when there is a slot for it, else queued, and executes it in the background. */
  async admit<T>(insert: (lease: Lease | undefined) => Promise<Admission<T>>): Promise<T> {
    const { lease } = this;
    if (!lease) return (await insert(undefined)).answer;
    this.admitting += 1;
    try {
      const { answer, created } = await insert(lease);
      if (created) this.launch(created.tenant_id, created.id, (execution) => execution.start(created));
      return answer;
    } finally {
      this.admitting -= 1;
    }
  }

  /** Executes a run that nobody holds, if there is a slot for it; else whichever replica has one first does. */
  async takeUp(tenant_id: string, id: string): Promise<void> {
    const { lease } = this;
    if (lease && (await this.steps.claim(id, lease))) this.resume(tenant_id, id);
  }

  /** Executes a run that was claimed for this replica. */
  resume(tenant_id: string, id: string): void {
    if (!this.running.has(id)) this.launch(tenant_id, id, (execution) => execution.resume());
  }

  /** Takes no more runs, lets the others end within their time, and leaves what remains to other replicas. */
  async drain(): Promise<void> {
    this.stopping = true;
    await this.allDone(this.limits.drain_ms);
    for (const { execution } of this.running.values()) execution.stop('shutdown');
    await this.allDone(RELEASE_MS);
  }

  private launch(tenant_id: string, id: string, begin: (execution: RunExecution) => Promise<void>): void {
    const { owner, steps, models, caller, tools, redis, channels } = this;
    const execution = new RunExecution(id, { owner, steps, models, caller, tools, redis, channels });
    const done = runAs({ tenant_id, permissions: [], issuer: 'orchestrator' }, () => begin(execution))
      .catch((error: unknown) => {
        if (error instanceof LeaseLost) log.warn({ run_id: id }, 'another replica has taken the run over');
        else reportError(error, { run_id: id });
      })
      .finally(() => this.forget(id));
    this.running.set(id, { tenant_id, execution, done });
  }

  private forget(id: string): void {
    const wasFull = this.free <= 0;
    this.running.delete(id);
    if (wasFull && !this.stopping) this.onFreed();
  }

  private async allDone(ms: number): Promise<void> {
    const patience = new AbortController();
    const all = [...this.running.values()].map(({ done }) => done);
    await Promise.race([Promise.all(all), delay(ms, undefined, { signal: patience.signal }).catch(() => undefined)]);
    patience.abort();
  }
}
