import { Injectable } from '@nestjs/common';
import { ProblemError, type Archive, type Job, type JobStatus } from '@taai/contracts';
import {
  beginJob,
  claimJobs,
  failJob,
  finishJob,
  jobs,
  keepJob,
  leaveJob,
  RlsPool,
  sql,
  violatedConstraint,
  withTenant,
  type JobLease,
  type JobProgress,
  type JobRef,
  type Tx,
} from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';

const EXPORT = 'tenant.export';

const ARCHIVE = sql(`
  select j.status, count(c.seq)::integer as chunks, coalesce(sum(octet_length(c.bytes)), 0)::bigint as bytes
  from jobs j left join job_chunks c on c.job_id = j.id
  where j.id = $1 and j.kind = '${EXPORT}' group by j.status`);

const CHUNK = sql('select bytes from job_chunks where job_id = $1 and seq = $2');

const ADD_CHUNK = sql('insert into job_chunks (tenant_id, job_id, seq, bytes) values ($1, $2, $3, $4)');

const DROP = sql('delete from job_chunks where job_id = $1');

const DROP_OTHERS = sql(`
  delete from job_chunks where job_id <> $1 and job_id in (select id from jobs where kind = '${EXPORT}')`);

const OLDER = sql('select tenant_id, id from due_archives($1, $2)');

/** Jobs of the kind `tenant.export`, and their archives in chunks. */
@Injectable()
export class ExportRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Throws `conflict` while another export of the tenant is under way. */
  insert(tx: Tx): Promise<Job> {
    const { user_id: created_by = null } = currentCaller();
    return jobs.insert(tx, { kind: EXPORT, created_by }).catch(explain);
  }

  /** Resolves to the archive of a job; undefined when there is no such job. */
  async archive(tx: Tx, id: string): Promise<(Archive & { status: JobStatus }) | undefined> {
    const [found] = await tx.read<Omit<Archive, 'id'> & { status: JobStatus }>(ARCHIVE, [id]);
    return found && { id, ...found };
  }

  async chunk(job_id: string, seq: number): Promise<Buffer | undefined> {
    const [chunk] = await this.rls.read<{ bytes: Buffer }>(CHUNK, [job_id, seq]);
    return chunk?.bytes;
  }

  /** Leases jobs of any tenant to this replica, up to `limit`. */
  claim(limit: number, leaseSeconds: number): Promise<JobRef[]> {
    return claimJobs(this.db, EXPORT, limit, leaseSeconds);
  }

  /** Begins anew: what an earlier attempt has written is dropped. Throws `LeaseLost`. */
  begin(id: string): Promise<JobLease> {
    return withTenant(this.db, async (tx) => {
      const lease = await beginJob(tx, id);
      await tx.write(DROP, [id]);
      return lease;
    });
  }

  /** Says how far the job is, holds it for longer, and adds a chunk if there is one. Throws `LeaseLost`. */
  async keep(
    lease: JobLease,
    at: JobProgress,
    leaseSeconds: number,
    chunk?: { seq: number; bytes: Buffer },
  ): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await keepJob(tx, lease, at, leaseSeconds);
      if (chunk) await tx.write(ADD_CHUNK, [tx.tenant_id, lease.id, chunk.seq, chunk.bytes]);
    });
  }

  /** Drops the archives of earlier exports: each tenant has one at most. Throws `LeaseLost`. */
  async finish(lease: JobLease, result: object): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await finishJob(tx, lease, result);
      await tx.write(DROP_OTHERS, [lease.id]);
    });
  }

  /** Throws `LeaseLost`. */
  async fail(lease: JobLease, code: string, detail: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await failJob(tx, lease, code, detail);
      await tx.write(DROP, [lease.id]);
    });
  }

  /** Leaves the job to any replica, after `seconds`. Throws `LeaseLost`. @param counts Whether it was an attempt. */
  async leave(lease: JobLease, seconds: number, counts: boolean): Promise<void> {
    await withTenant(this.db, (tx) => leaveJob(tx, lease, seconds, counts));
  }

  /** Drops the archives of jobs that ended longer ago, of all tenants. Resolves to their number, `limit` at most. */
  async dropOlder(seconds: number, limit: number): Promise<number> {
    const due = await this.db.query<JobRef[]>(OLDER, [seconds, limit]);
    for (const { tenant_id, id } of due) await this.rls.queryFor(tenant_id, DROP, [id]);
    return due.length;
  }
}

function explain(error: unknown): never {
  if (violatedConstraint(error) !== 'jobs_one_export_key') throw error;
  throw new ProblemError('conflict', 'An export is under way: wait until it has ended.');
}
