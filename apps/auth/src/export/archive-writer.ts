import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { erasureOrder } from '@taai/contracts';
import type { JobLease, JobProgress } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import type { ExportRepository } from './export.repository';
import type { TenantDataOf } from '../tenant/tenant-data.clients';

const compress = promisify(gzip);

/** A lease is longer than a service takes for one answer. */
export const LEASE_SECONDS = 60;

/** Tells readers of archives the format. A change that is no mere addition raises the version. */
const FORMAT = { format: 'task-assistant-export', version: 1 };

/**
 * Writes the archive of one leased job: a line that says what it is, every row of the tenant, a line with the number of rows per
 * table. Each chunk is a gzip file of its own; put together they are one.
 */
export class ArchiveWriter {
  private readonly rows: Record<string, number> = {};
  private readonly at: JobProgress = { progress: 0, total: 0 };
  private chunks = 0;
  private bytes = 0;

  constructor(
    private readonly lease: JobLease,
    private readonly exports: ExportRepository,
    private readonly dataOf: TenantDataOf,
    private readonly signal: AbortSignal,
  ) {}

  /** Throws `LeaseLost`, what the services throw, and the reason of the signal when it is given. */
  async write(): Promise<void> {
    for (const service of erasureOrder) {
      this.at.total += (await this.dataOf(service).count({})).rows;
      await this.exports.keep(this.lease, this.at, LEASE_SECONDS);
    }
    const { tenant_id } = currentCaller();
    await this.add(line({ ...FORMAT, tenant_id, exported_at: new Date() }));
    for (const service of erasureOrder) await this.addRowsOf(this.dataOf(service));
    await this.add(line({ rows: this.rows }));
    await this.exports.finish(this.lease, { bytes: this.bytes, rows: this.rows });
  }

  private async addRowsOf(data: ReturnType<TenantDataOf>): Promise<void> {
    let cursor: string | null | undefined;
    do {
      this.signal.throwIfAborted();
      const answer = await data.rows({ ...(cursor && { cursor }) });
      if (answer.table !== null) await this.add(answer.lines, answer.table);
      cursor = answer.next_cursor;
    } while (cursor !== null);
  }

  private async add(lines: string, table?: string): Promise<void> {
    const bytes = await compress(lines);
    if (table !== undefined) {
      const rows = lines.split('\n').length - 1; // a row that is cut counts with its end
      this.rows[table] = (this.rows[table] ?? 0) + rows;
      this.at.progress += rows;
    }
    await this.exports.keep(this.lease, this.at, LEASE_SECONDS, { seq: this.chunks, bytes });
    this.chunks += 1;
    this.bytes += bytes.length;
  }
}

const line = (value: object) => `${JSON.stringify(value)}\n`;
