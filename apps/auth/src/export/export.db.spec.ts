import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { DatabaseService, Job } from '@taai/contracts';
import { RlsPool, withTenant } from '@taai/entities';
import { fillTenant, readTables, type TableFacts } from '@taai/entities-testing';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { ExportRepository } from './export.repository';
import { ExportService } from './export.service';
import { ExportWorker } from './export.worker';
import { openTenants } from '../tenant/tenant.testing';
import type { TenantDataOf } from '../tenant/tenant-data.clients';

let house: Awaited<ReturnType<typeof openTenants>>;
let tables: TableFacts[];
let workers: ExportWorker[];

beforeAll(async () => {
  house = await openTenants();
  tables = await readTables(house.admin);
});
beforeEach(() => (workers = []));
afterEach(() => Promise.all(workers.map((worker) => worker.beforeApplicationShutdown())));
afterAll(() => house.close());

function newExports(dataOf: TenantDataOf = house.dataOf) {
  const repository = new ExportRepository(house.source, new RlsPool(house.source, { prepare: true }));
  const worker = new ExportWorker(repository, dataOf);
  workers.push(worker);
  return { repository, worker, service: new ExportService(house.source, repository, worker) };
}

/** One row in every table, no export among them. */
async function filledTenant(): Promise<string> {
  const tenant = v7();
  await fillTenant(house.admin, tables, tenant);
  await house.see(`update tenants set status = 'active' where id = $1`, tenant);
  return tenant;
}

const jobOf = async (id: string) => (await house.see('select * from jobs where id = $1', id))[0];

const finished = (id: string) =>
  until(async () => ['completed', 'failed'].includes(String((await jobOf(id))?.['status'])));

const created = (tenant: string, repository: ExportRepository): Promise<Job> =>
  house.as(tenant, () => withTenant(house.source, (tx) => repository.insert(tx)));

async function exported(tenant: string, service: ExportService): Promise<Job> {
  const job = await house.as(tenant, () => service.start());
  await finished(job.id);
  return job;
}

async function download(tenant: string, service: ExportService, id: string): Promise<Buffer> {
  const { chunks, bytes } = await house.as(tenant, () => service.archive({ id }));
  const parts: Buffer[] = [];
  for (let seq = 0; seq < chunks; seq += 1) {
    const chunk = await house.as(tenant, () => service.chunk({ id, seq }));
    parts.push(Buffer.from(chunk.bytes, 'base64'));
  }
  const archive = Buffer.concat(parts);
  expect(archive).toHaveLength(bytes);
  return archive;
}

interface Line {
  table: string;
  row: { tenant_id: string; id: string };
}

test('the archive holds a row of every table, its own tenant alone, and says what it is', async () => {
  const [tenant, other] = [await filledTenant(), await filledTenant()];
  const { service } = newExports();
  const job = await exported(tenant, service);
  expect(job).toMatchObject({ kind: 'tenant.export', status: 'queued', progress: 0, result: null });

  const text = gunzipSync(await download(tenant, service, job.id)).toString();

  expect(text).not.toContain(other);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const [head, ...rows] = lines;
  const counted = rows.pop();
  expect(head).toMatchObject({ format: 'task-assistant-export', version: 1, tenant_id: tenant });
  const exportedTables = tables
    .map(({ name }) => name)
    .filter((name) => !['job_chunks', 'idempotency_keys'].includes(name));
  expect(new Set(rows.map(({ table }) => table))).toEqual(new Set(exportedTables));
  // Of jobs there are two: the one that was there, and this one; and what was asked for is on its way to the audit log.
  const counts = { ...Object.fromEntries(exportedTables.map((name) => [name, 1])), jobs: 2, outbox: 2 };
  expect(counted).toEqual({ rows: counts });
  expect(await jobOf(job.id)).toMatchObject({ status: 'completed', attempts: 1, lease_until: null, error_code: null });
});

test('requests and downloads are audited', async () => {
  const tenant = await house.newTenant();
  const { service } = newExports();
  const { id } = await exported(tenant, service);
  await house.as(tenant, () => service.archive({ id }));
  const { audited } = await house.traces(tenant);
  expect(audited.map(({ action }) => action)).toEqual(['tenant.export_requested', 'tenant.export_downloaded']);
});

test('one export at a time, and of many that finish the newest archive stays', async () => {
  const tenant = await house.newTenant();
  const { service, repository } = newExports();
  const first = await exported(tenant, service);
  const waiting = await created(tenant, repository);
  await expect(house.as(tenant, () => service.start())).rejects.toMatchObject({ code: 'conflict', status: 409 });
  await expect(house.as(tenant, () => service.archive({ id: waiting.id }))).rejects.toMatchObject({ code: 'conflict' });

  workers[0]?.wake();
  await finished(waiting.id);

  await expect(house.as(tenant, () => service.archive({ id: first.id }))).rejects.toMatchObject({ code: 'not_found' });
  expect(gunzipSync(await download(tenant, service, waiting.id)).toString()).toContain(tenant);
});

test('of twenty requests at once one wins', async () => {
  const tenant = await house.newTenant();
  const { repository } = newExports();
  const requests = Array.from({ length: 20 }, () => created(tenant, repository));
  const results = await Promise.allSettled(requests);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test("another tenant's export is not found, nor is another kind of job", async () => {
  const [tenant, other] = [await filledTenant(), await house.newTenant()];
  const { service } = newExports();
  const { id } = await exported(tenant, service);
  const missing = { code: 'not_found', message: 'There is no such export.' };
  await expect(house.as(other, () => service.archive({ id }))).rejects.toMatchObject(missing);
  await expect(house.as(other, () => service.chunk({ id, seq: 0 }))).rejects.toMatchObject(missing);
  const [job] = await house.see(`select id from jobs where tenant_id = $1 and kind <> 'tenant.export'`, tenant);
  await expect(house.as(tenant, () => service.archive({ id: String(job?.['id']) }))).rejects.toMatchObject(missing);
});

/** Fails, or waits, when `usage` is asked for its rows. */
const disturbed = (disturb: () => Promise<unknown>): TenantDataOf => {
  return (service: DatabaseService) => {
    const data = house.dataOf(service);
    if (service !== 'usage') return data;
    const rows: typeof data.rows = (input) => disturb().then(() => data.rows(input));
    return { count: data.count.bind(data), erase: data.erase.bind(data), rows };
  };
};

test('an attempt that fails is made again from the start, a bounded number of times', async () => {
  const tenant = await house.newTenant();
  const { repository, worker } = newExports(disturbed(() => Promise.reject(new Error('no'))));
  const { id } = await created(tenant, repository);
  const attempt = async () => {
    await house.see(`update jobs set lease_until = null where id = $1`, id);
    await worker.work();
    return jobOf(id);
  };
  for (let attempts = 1; attempts < 4; attempts += 1) {
    const job = await attempt();
    expect(job).toMatchObject({ status: 'running', attempts });
    expect((job?.['lease_until'] as Date).getTime()).toBeGreaterThan(Date.now()); // left for a while
  }
  expect(await attempt()).toMatchObject({ status: 'failed', error_code: 'internal', attempts: 4 });
  expect(await house.see('select from job_chunks where job_id = $1', id)).toEqual([]);
  await expect(house.as(tenant, () => newExports().service.archive({ id }))).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('a job that ends every process that takes it up is given up', async () => {
  const tenant = await house.newTenant();
  const { repository, worker } = newExports();
  const { id } = await created(tenant, repository);
  await house.see(
    `update jobs set status = 'running', attempts = 4, lease_until = now() - interval '1 second' where id = $1`,
    id,
  );
  await worker.work();
  expect(await jobOf(id)).toMatchObject({ status: 'failed' });
});

test('after a crash another replica makes the whole archive, and the first one, should it live, writes no more', async () => {
  const tenant = await filledTenant();
  let goOn: () => void = () => undefined;
  let isStuck = false;
  const stuck = disturbed(() => {
    isStuck = true;
    return new Promise<void>((resolve) => (goOn = resolve));
  });
  const first = newExports(stuck);
  const { id } = await created(tenant, first.repository);
  const working = first.worker.work();
  await until(async () => isStuck);
  expect((await house.see('select from job_chunks where job_id = $1', id)).length).toBeGreaterThan(0);

  await house.see(`update jobs set lease_until = now() - interval '1 second' where id = $1`, id);
  const second = newExports();
  await second.worker.work();
  const archive = await download(tenant, second.service, id);
  goOn();
  await working;

  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  expect(hash(await download(tenant, second.service, id))).toBe(hash(archive));
  expect(await jobOf(id)).toMatchObject({ status: 'completed', attempts: 2 });
});

test('a replica that stops leaves its job to others at once, and the attempt does not count', async () => {
  const tenant = await house.newTenant();
  let goOn: () => void = () => undefined;
  let isStuck = false;
  const { repository, worker } = newExports(
    disturbed(() => {
      isStuck = true;
      return new Promise<void>((resolve) => (goOn = resolve));
    }),
  );
  const { id } = await created(tenant, repository);
  worker.wake();
  await until(async () => isStuck);
  const stopped = worker.beforeApplicationShutdown();
  goOn();
  await stopped;
  expect(await jobOf(id)).toMatchObject({ status: 'running', attempts: 0 });
  await newExports().worker.work();
  expect(await jobOf(id)).toMatchObject({ status: 'completed', attempts: 1 });
});

test('archives are kept for seven days', async () => {
  const [old, young] = [await house.newTenant(), await house.newTenant()];
  const { service, worker } = newExports();
  const [oldJob, youngJob] = [await exported(old, service), await exported(young, service)];
  await house.see(`update jobs set finished_at = now() - interval '169 hours' where id = $1`, oldJob.id);
  await house.see(`update jobs set finished_at = now() - interval '167 hours' where id = $1`, youngJob.id);
  await worker.clear();
  await expect(house.as(old, () => service.archive({ id: oldJob.id }))).rejects.toMatchObject({ code: 'not_found' });
  expect(await house.as(young, () => service.archive({ id: youngJob.id }))).toMatchObject({ id: youngJob.id });
});
