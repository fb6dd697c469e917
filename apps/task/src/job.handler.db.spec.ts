import { openDataSource, RlsPool } from '@taai/entities';
import { createTenant, createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { runAs } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { JobHandler } from './job.handler';

let database: TestDatabase;
let source: DataSource;
let jobs: JobHandler;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await openDataSource({ url: database.urls.task, pool: 4 });
  jobs = new JobHandler(new RlsPool(source, { prepare: true }));
});
afterAll(async () => {
  await source.destroy();
  await database.drop();
});

const as = <T>(tenant_id: string, work: () => T): T => runAs({ tenant_id, permissions: [], issuer: 'gateway' }, work);

async function newJob(tenant_id: string): Promise<string> {
  const id = v7();
  const input = { secret_of_the_house: true };
  await database.admin('insert into jobs (tenant_id, id, kind, total, input) values ($1, $2, $3, 3, $4)', [
    ...[tenant_id, id, 'task.bulk', input],
  ]);
  return id;
}

it('shows a job without what it was given', async () => {
  const tenant = await createTenant(database);
  const id = await newJob(tenant);
  expect(await as(tenant, () => jobs.get({ id }))).toEqual({
    id,
    kind: 'task.bulk',
    status: 'queued',
    progress: 0,
    total: 3,
    result: null,
    error_code: null,
    error_detail: null,
    created_at: expect.any(Date),
    finished_at: null,
  });
});

it('lists jobs page by page, newest first', async () => {
  const tenant = await createTenant(database);
  const ids = [await newJob(tenant), await newJob(tenant), await newJob(tenant)];
  const first = await as(tenant, () => jobs.list({ limit: 2 }));
  expect(first).toMatchObject({ data: [{ id: ids[2] }, { id: ids[1] }], has_more: true });
  const second = await as(tenant, () => jobs.list({ limit: 2, cursor: first.next_cursor ?? '' }));
  expect(second).toMatchObject({ data: [{ id: ids[0] }], has_more: false, next_cursor: null });
});

it("another tenant's job is not found, word for word like an absent one", async () => {
  const [tenant, other] = [await createTenant(database), await createTenant(database)];
  const id = await newJob(tenant);
  const answers = [id, v7()].map((one) => as(other, () => jobs.get({ id: one })));
  for (const answer of answers) await expect(answer).rejects.toMatchObject({ message: 'There is no such job.' });
  expect(await as(other, () => jobs.list({ limit: 20 }))).toMatchObject({ data: [] });
});
