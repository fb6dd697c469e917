import { Injectable } from '@nestjs/common';
import { ProblemError, type Archive, type Job, type JobStatus } from '@taai/contracts';
import {
  JobChunkEntity,
  JobEntity,
  jobs,
  sql,
  violatedConstraint,
  withTenant,
  withTenantId,
  type Tx,
} from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';

const EXPORT = 'tenant.export';

/** Which job of which tenant. */
export interface JobRef {
  tenant_id: string;
  id: string;
}

/** A job that this replica has taken up: it holds it for as long as nobody else takes it up, which counts `attempts` on. */
export interface Claim {
  id: string;
  attempts: number;
}

/** How far a job is, in rows. */
export interface Progress {
  progress: number;
  total: number;
}

/** Thrown when another replica has taken the job up, or the tenant is gone. */
export class ClaimLost extends Error {}

const ARCHIVE = sql(`
  select j.status, count(c.seq)::integer as chunks, coalesce(sum(octet_length(c.bytes)), 0)::bigint as bytes
  from jobs j left join job_chunks c on c.job_id = j.id
  where j.id = $1 and j.kind = '${EXPORT}' group by j.status`);

/** Of older exports: the new one replaces them. */
const DROP_OTHERS = sql(`
  delete from job_chunks where job_id <> $1 and job_id in (select id from jobs where kind = '${EXPORT}')`);

const CLAIM = sql(`select tenant_id, id from claim_jobs('${EXPORT}', $1, $2)`);

const isMine = `where id = $1 and attempts = $2 and status = 'running'`;

const KEEP = sql(`
  update jobs set progress = $3, total = $4, lease_until = now() + make_interval(secs => $5), updated_at = now() ${isMine}`);

const FINISH = sql(`
  update jobs set status = 'completed', total = progress, result = $3, lease_until = null,
    finished_at = now(), updated_at = now() ${isMine}`);

const FAIL = sql(`
  update jobs set status = 'failed', error_code = $3, error_detail = $4, lease_until = null,
    finished_at = now(), updated_at = now() ${isMine}`);

const LEAVE = sql(`
  update jobs set lease_until = now() + make_interval(secs => $3), attempts = attempts - $4::integer ${isMine}`);

/** Jobs of the kind `tenant.export`, and their archives in chunks. */
@Injectable()
export class ExportRepository {
  constructor(private readonly db: DataSource) {}

  /** Throws `conflict` while another export of the tenant is under way. */
  async insert(tx: Tx): Promise<Job> {
    const { user_id: created_by = null } = currentCaller();
    return jobs.insert(tx, { kind: EXPORT, created_by }).catch(explain);
  }

  /** The archive of a job; undefined when there is no such job. */
  async archive(tx: Tx, id: string): Promise<(Archive & { status: JobStatus }) | undefined> {
    const [found] = await tx.query<(Omit<Archive, 'id'> & { status: JobStatus })[]>(ARCHIVE, [id]);
    return found && { id, ...found };
  }

  async chunk(job_id: string, seq: number): Promise<Buffer | undefined> {
    const chunk = await withTenant(this.db, (tx) => tx.findOneBy(JobChunkEntity, { job_id, seq }));
    return chunk?.bytes;
  }

  /** Leases jobs of any tenant to this replica, up to `limit`. */
  claim(limit: number, leaseSeconds: number): Promise<JobRef[]> {
    return this.db.query<JobRef[]>(CLAIM, [limit, leaseSeconds]);
  }

  /** Begins anew: what an earlier attempt has written is dropped. */
  begin(id: string): Promise<Claim> {
    return withTenant(this.db, async (tx) => {
      const job = await tx.findOneBy(JobEntity, { id });
      if (!job) throw new ClaimLost();
      await tx.delete(JobChunkEntity, { job_id: id });
      return { id, attempts: job.attempts };
    });
  }

  /** Tells how far the job is, holds it for longer, and adds a chunk if there is one. Throws `ClaimLost`. */
  async keep(claim: Claim, at: Progress, leaseSeconds: number, chunk?: { seq: number; bytes: Buffer }): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await change(tx, KEEP, claim, [at.progress, at.total, leaseSeconds]);
      if (chunk) await tx.insert(JobChunkEntity, { tenant_id: tx.tenant_id, job_id: claim.id, ...chunk });
    });
  }

  /** The archives of earlier exports go: each tenant has one at most. Throws `ClaimLost`. */
  async finish(claim: Claim, result: object): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await change(tx, FINISH, claim, [JSON.stringify(result)]);
      await tx.query(DROP_OTHERS, [claim.id]);
    });
  }

  /** Throws `ClaimLost`. */
  async fail(claim: Claim, code: string, detail: string): Promise<void> {
    await withTenant(this.db, async (tx) => {
      await change(tx, FAIL, claim, [code, detail]);
      await tx.delete(JobChunkEntity, { job_id: claim.id });
    });
  }

  /** Leaves the job to any replica, after a while. Throws `ClaimLost`. */
  async leave(claim: Claim, seconds: number, counts: boolean): Promise<void> {
    await withTenant(this.db, (tx) => change(tx, LEAVE, claim, [seconds, counts ? 0 : 1]));
  }

  /** Drops the archives of jobs that ended longer ago, of all tenants; resolves to their number, `limit` at most. */
  async dropOlder(seconds: number, limit: number): Promise<number> {
    const sql = 'select tenant_id, id from due_archives($1, $2)';
    const due = await this.db.query<{ tenant_id: string; id: string }[]>(sql, [seconds, limit]);
    for (const { tenant_id, id: job_id } of due) {
      await withTenantId(this.db, tenant_id, (tx) => tx.delete(JobChunkEntity, { job_id }));
    }
    return due.length;
  }
}

function explain(error: unknown): never {
  if (violatedConstraint(error) !== 'jobs_one_export_key') throw error;
  throw new ProblemError('conflict', 'An export is under way: wait until it has ended.');
}

async function change(tx: Tx, sql: string, { id, attempts }: Claim, params: unknown[]): Promise<void> {
  const [, changed] = await tx.query<[unknown[], number]>(sql, [id, attempts, ...params]);
  if (changed === 0) throw new ClaimLost();
}
