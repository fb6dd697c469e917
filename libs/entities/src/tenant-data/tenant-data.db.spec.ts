import { databaseServices, erasureOrder, type DatabaseService } from '@taai/contracts';
import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource } from '../database/data-source';
import { TaskEntity, TenantEntity } from '../entities';
import { fillTenant, readTables, type TableFacts } from '../rows.testing';
import { connect } from '../schema/connect';
import { eraseTenantRows } from './tenant-erasure';
import { countTenantRows, readTenantRows } from './tenant-rows';
import { tenantTables, unexportedColumns } from './tenant-tables';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId } from '../database/tx';

let database: TestDatabase;
let sources: Record<DatabaseService, DataSource>;
let admin: Client;
let tables: TableFacts[];

beforeAll(async () => {
  database = await createTestDatabase();
  const open = (service: DatabaseService) => openDataSource({ url: database.urls[service], pool: 2 });
  sources = {
    auth: await open('auth'),
    task: await open('task'),
    chat: await open('chat'),
    orchestrator: await open('orchestrator'),
    usage: await open('usage'),
    webhook: await open('webhook'),
  };
  admin = await connect(database.adminUrl, 'TEST_DATABASE_URL');
  tables = await readTables(admin);
});
afterAll(async () => {
  await admin.end();
  for (const source of Object.values(sources)) await source.destroy();
  await database.drop();
});

/** A tenant with a row in every table. */
async function filledTenant(): Promise<string> {
  const tenant = v7();
  await fillTenant(admin, tables, tenant);
  return tenant;
}

const setDeleteAt = (tenant: string, at: string) =>
  admin.query(`update tenants set status = 'deleting', delete_at = ${at} where id = $1`, [tenant]);

async function counts(tenant: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { name, tenant_column } of tables) {
    const sql = `select count(*)::integer as count from ${name} where ${tenant_column} = $1`;
    found[name] = (await admin.query<{ count: number }>(sql, [tenant])).rows[0]?.count ?? 0;
  }
  return found;
}

const ofAll = (count: number) => Object.fromEntries(tables.map(({ name }) => [name, count]));

describe('the list of tables', () => {
  test('gives every table with rows of tenants to exactly one service', () => {
    const owned = Object.values(tenantTables).flat();
    expect(owned.sort()).toEqual(tables.map(({ name }) => name).sort());
  });

  test('leaves out of exports whatever sounds like a secret, but for what is known to be none', () => {
    const harmless = [
      /^audit_(logs|heads)\.(previous_)?hash$/, // of entries that are exported themselves: with them the chain can be checked
      /^usage_records\.\w+_tokens$/,
      /^agents\.(max_output|context)_tokens$/,
      /^tools\.secret_header_names$/,
      /^idempotency_keys\.request_hash$/,
    ];
    const suspicious = tables
      .flatMap(({ name, columns }) => columns.map((column) => `${name}.${column.name}`))
      .filter((column) => /\.\w*(hash|secret|cipher|salt|token|password)/.test(column))
      .filter((column) => !harmless.some((pattern) => pattern.test(column)));
    const left = Object.entries(unexportedColumns).flatMap(([table, names]) => names.map((name) => `${table}.${name}`));
    expect(suspicious.filter((column) => !left.includes(column))).toEqual([]);
  });
});

interface Line {
  table: string;
  row: Record<string, unknown>;
}

async function readAll(tenant: string, service: DatabaseService): Promise<{ lines: Line[]; calls: number }> {
  let [text, calls] = ['', 0];
  let cursor: string | null | undefined;
  do {
    const at = cursor ?? undefined;
    const answer = await withTenantId(sources[service], tenant, (tx) => readTenantRows(tx, service, at));
    expect(answer.lines.length).toBeLessThanOrEqual(500_000); // in UTF-16 units
    text += answer.lines;
    calls += 1;
    cursor = answer.next_cursor;
  } while (cursor !== null);
  const lines = text.split('\n').filter(Boolean);
  return { lines: lines.map((line) => JSON.parse(line) as Line), calls };
}

describe('reading', () => {
  test("shows the tenant's row of each table, without secrets, and nothing of others", async () => {
    const [own, other] = [await filledTenant(), await filledTenant()];
    const seen: string[] = [];
    for (const service of erasureOrder) {
      const { lines } = await readAll(own, service);
      expect(lines).toHaveLength(await withTenantId(sources[service], own, (tx) => countTenantRows(tx, service)));
      for (const { table, row } of lines) {
        seen.push(table);
        expect(JSON.stringify(row)).toContain(own);
        expect(JSON.stringify(row)).not.toContain(other);
        const columns = tables.find(({ name }) => name === table)?.columns.map(({ name }) => name) ?? [];
        const left = unexportedColumns[table] ?? [];
        expect(Object.keys(row).sort()).toEqual(columns.filter((name) => !left.includes(name)).sort());
      }
    }
    const exported = tables
      .map(({ name }) => name)
      .filter((name) => !['job_chunks', 'idempotency_keys'].includes(name));
    expect(seen.sort()).toEqual(exported.sort());
  });

  test('goes through many rows without a gap or a duplicate, whatever is added behind it', async () => {
    const tenant_id = await createTenant(database);
    const ids = Array.from({ length: 600 }, () => v7());
    const tasks = ids.map((id) => ({ tenant_id, id, title: 'x', description: 'y'.repeat(1000) }));
    await withTenantId(sources.task, tenant_id, (tx) => tx.insert(TaskEntity, tasks));
    const { lines, calls } = await readAll(tenant_id, 'task');
    expect(lines.map(({ row }) => row['id'])).toEqual(ids);
    expect(calls).toBeGreaterThan(2);
  });

  test('cuts a row that is too long for one answer, at whole characters', async () => {
    const tenant_id = await createTenant(database);
    const long = { tenant_id, id: v7(), title: 'long', description: '🦉"\\'.repeat(200_000) };
    const next = { tenant_id, id: v7(), title: 'next' };
    await withTenantId(sources.task, tenant_id, (tx) => tx.insert(TaskEntity, [long, next]));
    const { lines } = await readAll(tenant_id, 'task');
    expect(lines.map(({ row }) => row['title'])).toEqual(['long', 'next']);
    expect(lines[0]?.row['description'] === long.description).toBe(true);
  });

  test('notices that a row changed which it has read a part of', async () => {
    const tenant_id = await createTenant(database);
    const id = v7();
    await withTenantId(sources.task, tenant_id, (tx) =>
      tx.insert(TaskEntity, { tenant_id, id, title: 'x', description: 'x'.repeat(300_000) }),
    );
    const first = await withTenantId(sources.task, tenant_id, (tx) => readTenantRows(tx, 'task'));
    await withTenantId(sources.task, tenant_id, (tx) => tx.update(TaskEntity, { tenant_id, id }, { title: 'y' }));
    const second = withTenantId(sources.task, tenant_id, (tx) => readTenantRows(tx, 'task', first.next_cursor ?? ''));
    await expect(second).rejects.toMatchObject({ code: 'conflict' });
  });

  test.each([['{"table":"users"}'], ['{"table":"tasks; drop table tasks"}'], ['{}'], ['null']])(
    'refuses the cursor %s',
    async (cursor) => {
      const tenant = await createTenant(database);
      const reading = withTenantId(sources.task, tenant, (tx) => readTenantRows(tx, 'task', cursor));
      await expect(reading).rejects.toMatchObject({ code: 'invalid_cursor' });
    },
  );
});

/** As the eraser does it. */
async function eraseAll(tenant: string): Promise<void> {
  let erased: number;
  do {
    erased = 0;
    for (const service of erasureOrder) {
      let rows: number;
      do erased += rows = await withTenantId(sources[service], tenant, (tx) => eraseTenantRows(tx, service));
      while (rows > 0);
    }
  } while (erased > 0);
}

const guardedCalls = [
  ['auth', 'erase_audit_logs($1, 10)'],
  ['auth', 'erase_audit_heads($1, 10)'],
  ['auth', 'erase_access_changes($1, 10)'],
  ['auth', 'erase_idempotency_keys($1, 10)'],
  ['usage', 'erase_usage_records($1, 10)'],
  ['auth', 'erase_tenant($1)'],
] as const;

describe('erasure', () => {
  test.each([
    ['active', `update tenants set status = 'active', delete_at = null where id = $1`],
    ['suspended', `update tenants set status = 'suspended', delete_at = now() - interval '1 day' where id = $1`],
    ['deleting, without a date', `update tenants set status = 'deleting', delete_at = null where id = $1`],
    [
      'still in its time of grace',
      `update tenants set status = 'deleting', delete_at = now() + interval '1 hour' where id = $1`,
    ],
  ])('is refused for a tenant that is %s, by the database itself', async (_, sql) => {
    const tenant = await filledTenant();
    await admin.query(sql, [tenant]);
    for (const service of erasureOrder) {
      const erasing = withTenantId(sources[service], tenant, (tx) => eraseTenantRows(tx, service));
      await expect(erasing).rejects.toMatchObject({ code: 'conflict' });
    }
    for (const [service, call] of guardedCalls) {
      const rows = await withTenantId(sources[service], tenant, (tx) =>
        tx.query<object[]>(`select ${call} as count`, [tenant]),
      );
      expect([call, rows]).toEqual([call, [{ count: 0 }]]);
    }
    expect(await counts(tenant)).toEqual(ofAll(1));
  });

  test('reaches no tenant but the one that is worked for', async () => {
    const [due, other] = [await filledTenant(), await createTenant(database)];
    await setDeleteAt(due, `now() - interval '1 second'`);
    for (const [service, call] of guardedCalls) {
      expect(await sources[service].query(`select ${call} as count`, [due])).toEqual([{ count: 0 }]);
      const rows = await withTenantId(sources[service], other, (tx) =>
        tx.query<object[]>(`select ${call} as count`, [due]),
      );
      expect([call, rows]).toEqual([call, [{ count: 0 }]]);
    }
    expect(await counts(due)).toEqual(ofAll(1));
  });

  test('no service can delete guarded rows by itself, even when the time has come', async () => {
    const tenant = await filledTenant();
    await setDeleteAt(tenant, `now() - interval '1 second'`);
    for (const table of ['audit_logs', 'audit_heads', 'access_changes', 'usage_records', 'tenants']) {
      const service = databaseServices.find((name) => tenantTables[name].includes(table)) ?? 'auth';
      const deleting = withTenantId(sources[service], tenant, (tx) => tx.query(`delete from ${table}`));
      await expect(deleting).rejects.toMatchObject({ code: '42501' });
    }
  });

  test('leaves no row of the tenant but its own, and all of others; two may do it at once', async () => {
    const [tenant, other] = [await filledTenant(), await filledTenant()];
    await setDeleteAt(tenant, `now() - interval '1 second'`);
    await Promise.all([eraseAll(tenant), eraseAll(tenant)]);
    expect(await counts(tenant)).toEqual({ ...ofAll(0), tenants: 1 });
    const gone = () =>
      withTenantId(sources.auth, tenant, (tx) => tx.query<object[]>('select erase_tenant($1) as count', [tenant]));
    expect([await gone(), await gone()]).toEqual([[{ count: 1 }], [{ count: 0 }]]);
    expect(await withTenantId(sources.auth, tenant, (tx) => tx.find(TenantEntity))).toEqual([]);
    expect(await counts(other)).toEqual(ofAll(1));
  });

  test.each(['audit_logs', 'audit_heads'])('keeps %s while anybody of the tenant is left', async (table) => {
    const tenant = await filledTenant();
    await setDeleteAt(tenant, `now() - interval '1 second'`);
    const erase = () =>
      withTenantId(sources.auth, tenant, (tx) =>
        tx.query<object[]>(`select erase_${table}($1, 10) as count`, [tenant]),
      );
    expect(await erase()).toEqual([{ count: 0 }]);
    await admin.query('delete from users where tenant_id = $1', [tenant]);
    expect(await erase()).toEqual([{ count: 1 }]);
  });

  test("the tenant's own row stays as long as anything refers to it", async () => {
    const tenant = await filledTenant();
    await setDeleteAt(tenant, `now() - interval '1 second'`);
    const early = withTenantId(sources.auth, tenant, (tx) => tx.query('select erase_tenant($1)', [tenant]));
    await expect(early).rejects.toMatchObject({ code: '23503' });
  });
});
