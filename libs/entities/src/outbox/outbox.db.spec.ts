import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource } from '../database/data-source';
import { OutboxEntity } from '../entities';
import { emit } from './outbox';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId } from '../database/tx';

let database: TestDatabase;
let dataSource: DataSource;
let tenants: string[];

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await openDataSource({ url: database.urls.webhook, pool: 4 });
  tenants = await Promise.all(Array.from({ length: 3 }, () => createTenant(database)));
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});
beforeEach(async () => {
  for (const tenant of tenants) await withTenantId(dataSource, tenant, (tx) => tx.deleteAll(OutboxEntity));
});

const emitOne = (tenant: string) => withTenantId(dataSource, tenant, (tx) => emit(tx, 'task.deleted', { id: 'x' }));

const claim = (batch: number, lease = 30) =>
  dataSource.query<{ tenant_id: string; id: string }[]>('select * from claim_outbox($1, $2)', [batch, lease]);

test('an event is written whole, and commits with its change alone', async () => {
  const [tenant = ''] = tenants;
  const event = await emitOne(tenant);
  await expect(
    withTenantId(dataSource, tenant, async (tx) => {
      await emit(tx, 'task.deleted', { id: 'y' });
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  const rows = await withTenantId(dataSource, tenant, (tx) => tx.find(OutboxEntity));
  expect(rows).toEqual([
    expect.objectContaining({ tenant_id: tenant, id: event.id, type: 'task.deleted', payload: event, attempts: 0 }),
  ]);
  expect(event).toEqual({
    id: expect.stringMatching(/^[\da-f-]{14}7/),
    type: 'task.deleted',
    created_at: expect.stringMatching(/Z$/),
    tenant_id: tenant,
    data: { id: 'x' },
  });
});

test('an event under an id of its own is added once', async () => {
  const [tenant = ''] = tenants;
  const id = v7();
  const add = (token_id: string) =>
    withTenantId(dataSource, tenant, (tx) => emit(tx, 'mail.requested', { token_id }, id));
  await add('one');
  await add('two');
  const rows = await withTenantId(dataSource, tenant, (tx) => tx.find(OutboxEntity));
  expect(rows).toMatchObject([{ id, payload: { id, type: 'mail.requested', data: { token_id: 'one' } } }]);
});

test('two relays share the events of all tenants, oldest first, none twice', async () => {
  const events: string[] = [];
  for (let round = 0; round < 10; round++) {
    for (const tenant of tenants) events.push((await emitOne(tenant)).id);
  }
  const batches = await Promise.all(Array.from({ length: 6 }, () => claim(5)));
  const ids = batches.flat().map(({ id }) => id);
  expect(ids.sort()).toEqual(events.sort());
  for (const batch of batches) expect(batch.map(({ id }) => id)).toEqual(batch.map(({ id }) => id).sort());
  expect(await claim(5)).toEqual([]);
});

test('an event that was claimed and left is due again when the lease ends', async () => {
  const [tenant = ''] = tenants;
  const { id } = await emitOne(tenant);
  expect(await claim(1, -1)).toEqual([{ tenant_id: tenant, id }]);
  expect(await claim(1)).toEqual([{ tenant_id: tenant, id }]);
  const row = await withTenantId(dataSource, tenant, (tx) => tx.findOneByOrFail(OutboxEntity, { id }));
  expect(row.attempts).toBe(2);
});

test('a claim that waits for another does not wait: it takes the next', async () => {
  const [tenant = ''] = tenants;
  const first = await emitOne(tenant);
  const second = await emitOne(tenant);
  await dataSource.transaction(async (manager) => {
    const held = await manager.query<unknown>('select id from claim_outbox(1, 30)');
    expect(held).toEqual([{ id: first.id }]);
    expect(await claim(1)).toEqual([{ tenant_id: tenant, id: second.id }]);
  });
});
