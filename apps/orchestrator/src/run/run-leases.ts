import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { RlsPool } from '@taai/entities';
import { Periodic } from '@taai/platform';
import { DataSource } from 'typeorm';
import { RunExecutor } from './run-executor';
import { RunLimits } from './run-limits';

/** Runs claimed at once, so that replicas share what there is. */
const BATCH = 16;

// What this replica leased and does not execute, because something failed in between, must expire.
const EXTEND = `
  update agent_runs set lease_until = now() + make_interval(secs => $2)
  where lease_owner = $1 and id = any($3) and status in ('queued', 'running')
  returning id, cancel_requested_at is not null as is_cancelled`;

const CLAIM = 'select tenant_id, id from claim_runs($1, $2, $3)';

/** Keeps the leases of this replica's runs, and takes up runs that wait or whose replica is gone. */
@Injectable()
export class RunLeases implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly extending: Periodic;
  private readonly sweeping: Periodic;

  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
    private readonly executor: RunExecutor,
    private readonly limits: RunLimits,
  ) {
    this.extending = new Periodic(limits.extend_ms, () => this.extend());
    this.sweeping = new Periodic(limits.sweep_ms, () => this.sweep());
    executor.onFreed = () => this.sweeping.wake();
  }

  onApplicationBootstrap(): void {
    this.extending.wake();
    this.sweeping.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sweeping.stop();
    await this.executor.drain();
    await this.extending.stop();
  }

  /** Stops what another replica has taken over, or somebody has cancelled. */
  async extend(): Promise<void> {
    const tenants = new Set([...this.executor.running.values()].map(({ tenant_id }) => tenant_id));
    await Promise.all([...tenants].map((tenant) => this.extendFor(tenant)));
  }

  /** Fills free slots with runs that nobody executes. */
  async sweep(): Promise<void> {
    const batch = Math.min(BATCH, this.executor.free);
    if (batch <= 0) return;
    const claim = [this.executor.owner, batch, this.limits.lease_seconds];
    const claimed = await this.db.query<{ tenant_id: string; id: string }[]>(CLAIM, claim);
    for (const { tenant_id, id } of claimed) this.executor.resume(tenant_id, id);
    if (claimed.length === batch) this.sweeping.wake();
  }

  private async extendFor(tenant_id: string): Promise<void> {
    const { owner, running } = this.executor;
    const before = [...running].filter(([, run]) => run.tenant_id === tenant_id);
    const rows = await this.rls.queryFor<{ id: string; is_cancelled: boolean }>(tenant_id, EXTEND, [
      owner,
      this.limits.lease_seconds,
      before.map(([id]) => id),
    ]);
    const held = new Map(rows.map(({ id, is_cancelled }) => [id, is_cancelled]));
    for (const [id, { execution }] of before) {
      if (held.get(id) === undefined) execution.stop('lost');
      else if (held.get(id)) execution.stop('cancelled');
    }
  }
}
