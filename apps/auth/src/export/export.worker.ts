import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { limits, ProblemError } from '@taai/contracts';
import { LeaseLost, type JobLease, type JobRef } from '@taai/entities';
import { ClaimLoop, log, Periodic, reportError } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { ArchiveWriter, LEASE_SECONDS } from './archive-writer';
import { ExportRepository } from './export.repository';
import { TENANT_DATA, type TenantDataOf } from '../tenant/tenant-data.clients';

const SWEEP_MS = 5000;
const CLEAR_MS = 3600_000;
const MAX_ATTEMPTS = 4;
const BATCH = 100;

/** Makes the archives that tenants ask for, one at a time, and drops those that are old. */
@Injectable()
export class ExportWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly working = new ClaimLoop<JobRef>(SWEEP_MS, {
    room: () => 1,
    claim: (batch) => this.exports.claim(batch, LEASE_SECONDS),
    work: (claimed) => Promise.all(claimed.map((job) => this.perform(job))),
  });
  private readonly clearing = new Periodic(CLEAR_MS, () => this.clear());
  private readonly stopping = new AbortController();

  constructor(
    private readonly exports: ExportRepository,
    @Inject(TENANT_DATA) private readonly dataOf: TenantDataOf,
  ) {}

  onApplicationBootstrap(): void {
    this.working.wake();
    this.clearing.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all([this.working.stop(), this.clearing.stop()]);
  }

  /** Looks for jobs now. */
  wake(): void {
    this.working.wake();
  }

  /** Takes up jobs until there is none. */
  work(): Promise<void> {
    return this.working.drain();
  }

  async clear(): Promise<void> {
    while ((await this.exports.dropOlder(limits.exportSeconds, BATCH)) === BATCH);
  }

  private perform({ tenant_id, id }: JobRef): Promise<void> {
    return runAs({ tenant_id, permissions: [], issuer: 'auth' }, () => this.takeUp(id));
  }

  private async takeUp(id: string): Promise<void> {
    try {
      const lease = await this.exports.begin(id);
      // One that was taken up so often, and never got as far as to fail, ends its process.
      if (lease.attempts > MAX_ATTEMPTS) await this.exports.fail(lease, 'internal', 'The export could not be made.');
      else await this.attempt(lease);
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      log.warn({ job_id: id }, 'another replica has taken the export up, or the tenant is gone');
    }
  }

  private async attempt(lease: JobLease): Promise<void> {
    const { signal } = this.stopping;
    try {
      await new ArchiveWriter(lease, this.exports, this.dataOf, signal).write();
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      if (signal.aborted) await this.exports.leave(lease, 0, false);
      else await this.giveUp(lease, error);
    }
  }

  private async giveUp(lease: JobLease, error: unknown): Promise<void> {
    reportError(error, { job_id: lease.id });
    const code = error instanceof ProblemError ? error.code : 'internal';
    if (lease.attempts >= MAX_ATTEMPTS) await this.exports.fail(lease, code, 'The export could not be made.');
    else await this.exports.leave(lease, 5 * 2 ** lease.attempts, true);
  }
}
