import type { DataSource } from 'typeorm';
import { openDataSource } from '../database/data-source';
import { withTenantId, type Tx } from '../database/tx';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { beginJob, claimJobs, failJob, finishJob, keepJob, LeaseLost, leaveJob, type JobLease } from './job-lease';
import { jobs } from './job-rows';

let database: TestDatabase;
let db: DataSource;
let tenant: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = await openDataSource({ url: database.urls.auth, pool: 4 });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  tenant = await createTenant(database);
});

const inTenant = <T>(work: (tx: Tx) => Promise<T>) => withTenantId(db, tenant, work);
const claim = () => claimJobs(db, tenant, 5, 60);
const find = (id: string) => inTenant((tx) => jobs.find(tx, { id }));

/** A job of a kind that no other test has, taken up. */
async function begun(): Promise<JobLease> {
  const { id } = await inTenant((tx) => jobs.insert(tx, { kind: tenant }));
  expect(await claim()).toEqual([{ tenant_id: tenant, id }]);
  return inTenant((tx) => beginJob(tx, id));
}

const expire = ({ id }: JobLease) => database.admin('update jobs set lease_until = now() where id = $1', [id]);

const changes: [string, (tx: Tx, lease: JobLease) => Promise<void>][] = [
  ['keep', (tx, lease) => keepJob(tx, lease, { progress: 1, total: 2 }, 60)],
  ['finish', (tx, lease) => finishJob(tx, lease, {})],
  ['fail', (tx, lease) => failJob(tx, lease, 'internal', 'It failed.')],
  ['leave', (tx, lease) => leaveJob(tx, lease, 0, true)],
];

test.each(changes)('%s is for who holds the job, and nobody else', async (_, change) => {
  const lease = await begun();
  await expire(lease);
  await claim();
  await expect(inTenant((tx) => change(tx, lease))).rejects.toThrow(LeaseLost);
  const next = await inTenant((tx) => beginJob(tx, lease.id));
  expect(next.attempts).toBe(2);
  await inTenant((tx) => change(tx, next));
});

test('a job that is kept is claimed by nobody, and one that is left by anybody', async () => {
  const lease = await begun();
  await expire(lease);
  await inTenant((tx) => keepJob(tx, lease, { progress: 1, total: 2 }, 60));
  expect(await claim()).toEqual([]);
  expect(await find(lease.id)).toMatchObject({ status: 'running', progress: 1, total: 2 });
  await inTenant((tx) => leaveJob(tx, lease, -1, false));
  expect(await claim()).toEqual([{ tenant_id: tenant, id: lease.id }]);
  expect(await inTenant((tx) => beginJob(tx, lease.id))).toEqual(lease);
});

test('a job that ended is shown with its outcome, and claimed by nobody any more', async () => {
  const done = await begun();
  await inTenant((tx) => finishJob(tx, done, { rows: 3 }));
  const failed = await begun();
  await inTenant((tx) => failJob(tx, failed, 'internal', 'It failed.'));
  expect(await find(done.id)).toMatchObject({
    status: 'completed',
    result: { rows: 3 },
    finished_at: expect.any(Date),
  });
  expect(await find(failed.id)).toMatchObject({ status: 'failed', error_code: 'internal', error_detail: 'It failed.' });
  expect(await claim()).toEqual([]);
});

test('a job that is gone cannot be begun', async () => {
  await expect(inTenant((tx) => beginJob(tx, tenant))).rejects.toThrow(LeaseLost);
});
