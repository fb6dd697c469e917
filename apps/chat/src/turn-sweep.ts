import { Periodic, reportError } from '@taai/platform';
import { runAs } from '@taai/tenant';

const EVERY_MS = 60_000;

/** What is to be removed, and how. */
interface Removal {
  /** Some of what is due, of each tenant as much as of the others. */
  due(): Promise<{ tenant_id: string; id: string }[]>;
  /** Removes some of a tenant's, as the tenant. Resolves to how many are gone. */
  remove(tenant_id: string, ids: readonly string[]): Promise<number>;
}

/**
 * Removes what is due every minute, in rounds in which tenants have equal parts: whoever has much to be removed delays nobody. Any number of
 * replicas may do it at once. A failure is reported; its tenant has to wait for the next time.
 */
export class TurnSweep {
  private readonly sweeping = new Periodic(EVERY_MS, () => this.sweep());
  private stopping = false;

  constructor(private readonly removal: Removal) {}

  get isStopping(): boolean {
    return this.stopping;
  }

  start(): void {
    this.sweeping.wake();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.sweeping.stop();
  }

  async sweep(): Promise<void> {
    const failed = new Set<string>();
    while ((await this.round(failed)) > 0);
  }

  /** Resolves to how many are gone. */
  private async round(failed: Set<string>): Promise<number> {
    const due = Map.groupBy(await this.removal.due(), ({ tenant_id }) => tenant_id);
    let gone = 0;
    for (const [tenant_id, rows] of due) {
      if (this.stopping) return 0;
      const ids = rows.map(({ id }) => id);
      if (!failed.has(tenant_id)) gone += await this.removeOf(tenant_id, ids, failed);
    }
    return gone;
  }

  private async removeOf(tenant_id: string, ids: readonly string[], failed: Set<string>): Promise<number> {
    try {
      const caller = { tenant_id, permissions: [], issuer: 'chat' as const };
      return await runAs(caller, () => this.removal.remove(tenant_id, ids));
    } catch (error) {
      failed.add(tenant_id);
      reportError(error, { tenant_id });
      return 0;
    }
  }
}
