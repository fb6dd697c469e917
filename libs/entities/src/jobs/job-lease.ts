import type { DataSource } from 'typeorm';
import { sql } from '../database/statement';
import type { Tx } from '../database/tx';

/** A job of a tenant. */
export interface JobRef {
  tenant_id: string;
  id: string;
}

/** A job that this replica has taken up. The replica holds it until another one takes it up, which raises `attempts`. */
export interface JobLease {
  id: string;
  attempts: number;
}

/** How far a job is, in its items. */
export interface JobProgress {
  progress: number;
  total: number;
}

/** Thrown when another replica has taken the job up, or its tenant is gone. */
export class LeaseLost extends Error {}

const CLAIM = sql('select tenant_id, id from claim_jobs($1, $2, $3)');

const BEGIN = sql('select id, attempts from jobs where id = $1');

const isMine = `where id = $1 and attempts = $2 and status = 'running' returning id`;

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

/** Leases up to `limit` jobs of a kind, of any tenant, to this replica. Resolves to which those are. */
export const claimJobs = (db: DataSource, kind: string, limit: number, leaseSeconds: number): Promise<JobRef[]> =>
  db.query<JobRef[]>(CLAIM, [kind, limit, leaseSeconds]);

/** Resolves to the lease of a job that `claimJobs` named. Throws `LeaseLost` when the job is gone. */
export async function beginJob(tx: Tx, id: string): Promise<JobLease> {
  const [lease] = await tx.read<JobLease>(BEGIN, [id]);
  if (!lease) throw new LeaseLost();
  return lease;
}

/** Says how far the job is, and holds it for longer. Throws `LeaseLost`. */
export const keepJob = (tx: Tx, lease: JobLease, at: JobProgress, leaseSeconds: number): Promise<void> =>
  change(tx, KEEP, lease, [at.progress, at.total, leaseSeconds]);

/** Completes the job with its result. Throws `LeaseLost`. */
export const finishJob = (tx: Tx, lease: JobLease, result: object): Promise<void> =>
  change(tx, FINISH, lease, [JSON.stringify(result)]);

/** Fails the job with a code and a detail that clients read. Throws `LeaseLost`. */
export const failJob = (tx: Tx, lease: JobLease, code: string, detail: string): Promise<void> =>
  change(tx, FAIL, lease, [code, detail]);

/** Leaves the job to any replica, after `seconds`. Throws `LeaseLost`. @param counts Whether it was an attempt. */
export const leaveJob = (tx: Tx, lease: JobLease, seconds: number, counts: boolean): Promise<void> =>
  change(tx, LEAVE, lease, [seconds, counts ? 0 : 1]);

async function change(tx: Tx, text: string, { id, attempts }: JobLease, params: unknown[]): Promise<void> {
  const changed = await tx.write(text, [id, attempts, ...params]);
  if (changed.length === 0) throw new LeaseLost();
}
