import { Test } from '@nestjs/testing';
import { runAs } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { DatabaseModule, pingDatabase } from './database.module';
import { eventRow } from '../outbox/outbox';
import { RlsPool } from './rls-pool';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const wake = jest.fn();
const waker = { useFactory: () => wake };

const boot = (url: string) =>
  Test.createTestingModule({ imports: [DatabaseModule.forRoot({ url, pool: 2, prepare: true }, waker, 0)] }).compile();

it('gives a process both ways to its database, and closes them with it', async () => {
  const app = await boot(database.urls.task);
  const source = app.get(DataSource);
  const caller = { tenant_id: crypto.randomUUID(), permissions: [], issuer: 'task' as const };

  await expect(pingDatabase(app)).resolves.toHaveLength(1);
  const rows = runAs(caller, () => app.get(RlsPool).read(`select current_setting('app.tenant_id') as id`));
  await expect(rows).resolves.toEqual([{ id: caller.tenant_id }]);

  await app.close();
  expect(source.isInitialized).toBe(false);
});

it('wakes whoever relays events when one is committed', async () => {
  const app = await boot(database.urls.task);
  const caller = { tenant_id: await createTenant(database), permissions: [], issuer: 'task' as const };
  const sql = 'insert into outbox (tenant_id, id, type, payload) values ($1, $2, $3, $4)';
  const emit = () =>
    app.get(RlsPool).write(sql, [caller.tenant_id, ...eventRow('task.deleted', { id: caller.tenant_id })]);
  await runAs(caller, emit);
  expect(wake).toHaveBeenCalledTimes(1);
  await app.close();
});

it('does not boot as a superuser', async () => {
  await expect(boot(database.adminUrl)).rejects.toThrow(/is a superuser.*set DATABASE_URL/);
});

it('does not boot without a database', async () => {
  await expect(boot('postgres://taai_app:secret@127.0.0.1:1/taai')).rejects.toThrow(/^(?!.*secret).*cannot be reached/);
});
