import { Injectable } from '@nestjs/common';
import {
  found,
  notFound,
  ProblemError,
  type Archive,
  type ArchiveChunk,
  type ById,
  type Job,
  type ReadChunk,
} from '@taai/contracts';
import { audit, withTenant } from '@taai/entities';
import { assertPermitted } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ExportRepository } from './export.repository';
import { ExportWorker } from './export.worker';

@Injectable()
export class ExportService {
  constructor(
    private readonly db: DataSource,
    private readonly exports: ExportRepository,
    private readonly worker: ExportWorker,
  ) {}

  /** Throws `conflict` while another export is under way. */
  async start(): Promise<Job> {
    assertMayExport();
    const job = await withTenant(this.db, async (tx) => {
      const job = await this.exports.insert(tx);
      await audit(tx, { action: 'tenant.export_requested', target: { type: 'job', id: job.id } });
      return job;
    });
    this.worker.wake();
    return job;
  }

  /**
   * Reading an archive is recorded. Throws `conflict` before the job has ended, and `not_found` when it failed, or its archive is
   * there no more.
   */
  async archive({ id }: ById): Promise<Archive> {
    assertMayExport();
    return withTenant(this.db, async (tx) => {
      const { status, ...archive } = found('export', await this.exports.archive(tx, id));
      if (status === 'queued' || status === 'running')
        throw new ProblemError('conflict', 'The export is not finished yet.');
      if (status !== 'completed' || archive.chunks === 0) throw notFound('export');
      await audit(tx, { action: 'tenant.export_downloaded', target: { type: 'job', id } });
      return archive;
    });
  }

  /** Throws `not_found`. */
  async chunk({ id, seq }: ReadChunk): Promise<ArchiveChunk> {
    const bytes = found('export', await this.exports.chunk(id, seq));
    return { bytes: bytes.toString('base64') };
  }
}

/** An export has everybody's conversations and runs in it. */
function assertMayExport(): void {
  for (const permission of ['conversations:read_any', 'runs:read_any']) assertPermitted(currentCaller(), permission);
}
