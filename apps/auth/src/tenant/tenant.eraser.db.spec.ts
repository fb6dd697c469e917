import type { DatabaseService } from '@taai/contracts';
import { fillTenant, readTables, type TableFacts } from '@taai/entities-testing';
import { v7 } from 'uuid';
import { TenantEraser } from './tenant.eraser';
import { TenantRepository } from './tenant.repository';
import { openTenants } from './tenant.testing';

let house: Awaited<ReturnType<typeof openTenants>>;
let tables: TableFacts[];

beforeAll(async () => {
  house = await openTenants();
  tables = await readTables(house.admin);
});
afterAll(() => house.close());

async function filledTenant(delete_at: string): Promise<string> {
  const id = v7();
  await fillTenant(house.admin, tables, id);
  await house.see(`update tenants set status = 'deleting', delete_at = ${delete_at} where id = $1`, id);
  return id;
}

async function counts(tenant: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const { name, tenant_column } of tables) {
    const [row] = await house.see(`select count(*)::integer as n from ${name} where ${tenant_column} = $1`, tenant);
    found[name] = row?.['n'];
  }
  return found;
}

const ofAll = (count: number) => Object.fromEntries(tables.map(({ name }) => [name, count]));

const newEraser = (dataOf = house.dataOf) => new TenantEraser(new TenantRepository(house.source), dataOf);

test('every row of a tenant whose time has come goes, and no row of any other', async () => {
  const due = await filledTenant(`now() - interval '1 second'`);
  const waiting = await filledTenant(`now() + interval '1 hour'`);
  const active = v7();
  await fillTenant(house.admin, tables, active);
  await house.see(`update tenants set status = 'active' where id = $1`, active);

  await newEraser().sweep();

  expect(await counts(due)).toEqual(ofAll(0));
  expect(await counts(waiting)).toEqual(ofAll(1));
  expect(await counts(active)).toEqual(ofAll(1));
});

test('many rows go in batches', async () => {
  const due = await filledTenant(`now() - interval '1 second'`);
  await house.see(
    `insert into tasks (tenant_id, id, title) select $1, gen_random_uuid(), 'x' from generate_series(1, 2500)`,
    due,
  );
  await newEraser().sweep();
  expect(await counts(due)).toEqual(ofAll(0));
});

test('two replicas do it at once', async () => {
  const due = await Promise.all([1, 2, 3].map(() => filledTenant(`now() - interval '1 second'`)));
  await Promise.all([newEraser().sweep(), newEraser().sweep()]);
  await newEraser().sweep();
  for (const tenant of due) expect(await counts(tenant)).toEqual(ofAll(0));
});

test('what a crash left is erased by the next one, and a tenant that fails keeps no other back', async () => {
  const [broken, fine] = [
    await filledTenant(`now() - interval '2 seconds'`),
    await filledTenant(`now() - interval '1 second'`),
  ];
  let failures = 0;
  const failing = (service: DatabaseService) => {
    const data = house.dataOf(service);
    if (service !== 'usage' || failures > 0) return data;
    const erase = () => {
      failures += 1;
      return Promise.reject(new Error('gone'));
    };
    return { ...data, count: data.count.bind(data), rows: data.rows.bind(data), erase };
  };

  await newEraser(failing).sweep();

  expect(failures).toBe(1);
  expect(await counts(broken)).toMatchObject({ tenants: 1, usage_records: 1, webhooks: 0, tasks: 0 });
  expect(await counts(fine)).toEqual(ofAll(0));
  await newEraser(failing).sweep();
  expect(await counts(broken)).toEqual(ofAll(0));
});
