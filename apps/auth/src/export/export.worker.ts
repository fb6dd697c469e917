import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { limits, ProblemError } from '@taai/contracts';
import { log, Periodic, reportError } from '@taai/platform';
import { runAs } from '@taai/tenant';
import { ArchiveWriter, LEASE_SECONDS } from './archive-writer';
import { ClaimLost, ExportRepository, type Claim } from './export.repository';
import { TENANT_DATA, type TenantDataOf } from '../tenant/tenant-data.clients';

const SWEEP_MS = 5000;
const CLEAR_MS = 3600_000;
const MAX_ATTEMPTS = 4;
const BATCH = 100;

/** Makes the archives that tenants ask for, one at a time, and drops those that are old. */
@Injectable()
export class ExportWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly working = new Periodic(SWEEP_MS, () => this.work());
  private readonly clearing = new Periodic(CLEAR_MS, () => this.clear());
  private readonly stopping = new AbortController();
  /** The work belongs to no request, whichever wakes it. */
  private readonly outside = AsyncLocalStorage.snapshot();

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
    this.outside(() => this.working.wake());
  }

  /** Works on jobs until there is none. */
  async work(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const job = await this.exports.claim(LEASE_SECONDS);
      if (!job) return;
      await runAs({ tenant_id: job.tenant_id, permissions: [], issuer: 'auth' }, () => this.perform(job.id));
    }
  }

  async clear(): Promise<void> {
    while ((await this.exports.dropOlder(limits.exportSeconds, BATCH)) === BATCH);
  }

  private async perform(id: string): Promise<void> {
    try {
      const claim = await this.exports.begin(id);
      // One that was taken up so often, and never got as far as to fail, ends its process.
      if (claim.attempts > MAX_ATTEMPTS) await this.exports.fail(claim, 'internal', 'The export could not be made.');
      else await this.attempt(claim);
    } catch (error) {
      if (!(error instanceof ClaimLost)) throw error;
      log.warn({ job_id: id }, 'another replica has taken the export up, or the tenant is gone');
    }
  }

  private async attempt(claim: Claim): Promise<void> {
    const { signal } = this.stopping;
    try {
      await new ArchiveWriter(claim, this.exports, this.dataOf, signal).write();
    } catch (error) {
      if (error instanceof ClaimLost) throw error;
      if (signal.aborted) await this.exports.leave(claim, 0, false);
      else await this.giveUp(claim, error);
    }
  }

  private async giveUp(claim: Claim, error: unknown): Promise<void> {
    reportError(error, { job_id: claim.id });
    const code = error instanceof ProblemError ? error.code : 'internal';
    if (claim.attempts >= MAX_ATTEMPTS) await this.exports.fail(claim, code, 'The export could not be made.');
    else await this.exports.leave(claim, 5 * 2 ** claim.attempts, true);
  }
}
