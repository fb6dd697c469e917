import { IsNull, type DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { openDataSource } from '../database/data-source';
import {
  AgentEntity,
  AgentRunEntity,
  ProviderCredentialEntity,
  ProviderEntity,
  UserEntity,
  WebhookDeliveryEntity,
  WebhookEntity,
} from '../entities';
import { createTenant, createTestDatabase, type TestDatabase } from '../testing';
import { withTenantId } from '../database/tx';

let database: TestDatabase;
/** Each function is called by the service that may. */
let sources: Record<'auth' | 'orchestrator' | 'webhook', DataSource>;

beforeAll(async () => {
  database = await createTestDatabase();
  const open = (url: string) => openDataSource({ url, pool: 2 });
  const { auth, orchestrator, webhook } = database.urls;
  sources = { auth: await open(auth), orchestrator: await open(orchestrator), webhook: await open(webhook) };
});
afterAll(async () => {
  for (const source of Object.values(sources)) await source.destroy();
  await database.drop();
});

const call = (service: keyof typeof sources, sql: string, ...params: unknown[]) =>
  sources[service].query<Record<string, unknown>[]>(sql, params);
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

test('a login is found by its e-mail in any case, in any tenant; nothing else of the user is', async () => {
  const tenant_id = await createTenant(database);
  const id = v7();
  const email = `${id}@example.com`;
  await withTenantId(sources.auth, tenant_id, (tx) => tx.insert(UserEntity, { tenant_id, id, email, role: 'admin' }));
  expect(await call('auth', 'select * from find_login($1)', email.toUpperCase())).toEqual([{ tenant_id, user_id: id }]);
  expect(await call('auth', 'select * from find_login($1)', 'nobody@example.com')).toEqual([]);
});

test('an e-mail is unique over tenants, and stored in lower case alone', async () => {
  const email = `${v7()}@example.com`;
  const add = async (address: string) => {
    const tenant_id = await createTenant(database);
    await withTenantId(sources.auth, tenant_id, (tx) =>
      tx.insert(UserEntity, { tenant_id, id: v7(), email: address, role: 'admin' }),
    );
  };
  await add(email);
  await expect(add(email)).rejects.toMatchObject({ code: '23505' });
  await expect(add(email.toUpperCase())).rejects.toMatchObject({ code: '23514' });
});

async function addRun(tenant_id: string, run: Partial<AgentRunEntity>): Promise<string> {
  const agent = { tenant_id, id: v7(), name: 'a', slug: v7(), system_prompt: '', model: 'm' };
  const row = { tenant_id, id: v7(), agent_id: agent.id, agent_version: 1, input: [], ...run };
  await withTenantId(sources.orchestrator, tenant_id, async (tx) => {
    await tx.insert(AgentEntity, agent);
    await tx.insert(AgentRunEntity, row);
  });
  return row.id;
}

test('work of tenants that are not active is not claimed, until they are again', async () => {
  const tenant_id = await createTenant(database);
  const run = await addRun(tenant_id, { status: 'queued' });
  const claim = async () =>
    (await call('orchestrator', `select * from claim_runs('x', 100, 30)`)).filter(({ id }) => id === run);
  for (const status of ['suspended', 'deleting']) {
    await database.admin('update tenants set status = $2 where id = $1', [tenant_id, status]);
    expect([status, await claim()]).toEqual([status, []]);
  }
  await database.admin(`update tenants set status = 'active' where id = $1`, [tenant_id]);
  expect(await claim()).toEqual([{ tenant_id, id: run }]);
});

test('runs are claimed in the order in which they began to wait, queued and orphaned ones alike', async () => {
  const tenant_id = await createTenant(database);
  const waiting = [
    await addRun(tenant_id, { status: 'queued', created_at: ago(30) }),
    await addRun(tenant_id, { status: 'running', created_at: ago(90), lease_until: ago(20) }),
    await addRun(tenant_id, { status: 'queued', created_at: ago(10) }),
  ];
  const next = () => call('orchestrator', `select id from claim_runs('x', 1, 30)`);
  for (const id of waiting) expect(await next()).toEqual([{ id }]);
});

test('tenants take turns: the one of whose runs fewest are executed is next, however many another has; full ones are passed over', async () => {
  const [many, few, full] = await Promise.all([1, 2, 3].map(() => createTenant(database)));
  const queued = async (tenant = '', age: number) => addRun(tenant, { status: 'queued', created_at: ago(age) });
  const ofMany = [];
  for (let n = 0; n < 20; n++) ofMany.push(await queued(many, 100 - n));
  const ofFew = [await queued(few, 20), await queued(few, 10)];
  await queued(full, 200);
  const claim = (batch: number) =>
    call('orchestrator', `select id from claim_runs('x', $1::int, 30, array[$2]::uuid[])`, batch, full);
  const claims = [await claim(1), await claim(1), await claim(1), await claim(4)];
  expect(claims.map((rows) => rows.map(({ id }) => id).sort())).toEqual([
    [ofMany[0]],
    [ofFew[0]],
    [ofMany[1]],
    [ofFew[1], ...ofMany.slice(2, 5)].sort(),
  ]);
  expect(await call('orchestrator', `select id from claim_runs('x', 100, 30)`)).toHaveLength(16);
});

test('of the runs that wait for their turn the first one is claimed, once what is before it has ended, a person asked or not', async () => {
  const tenant_id = await createTenant(database);
  const conversation_id = v7();
  const first = await addRun(tenant_id, { conversation_id, status: 'waiting_approval', deadline_at: ago(-60) });
  const turns = [2, 1].map((turn) => addRun(tenant_id, { conversation_id, status: 'queued', turn }));
  const [third, second] = await Promise.all(turns);
  await addRun(tenant_id, { conversation_id: v7(), status: 'running', lease_until: ago(-60) });
  const claim = () => call('orchestrator', `select id from claim_runs('x', 10, 30)`);
  const end = (id: string) => database.admin(`update agent_runs set status = 'failed' where id = $1`, [id]);
  expect(await claim()).toEqual([]);
  await end(first);
  expect(await claim()).toEqual([{ id: second }]);
  await end(second ?? '');
  expect(await claim()).toEqual([{ id: third }]);
});

test('orphaned runs go to one owner; runs that are held, wait or have ended stay', async () => {
  const [first, second] = [await createTenant(database), await createTenant(database)];
  const orphans = [
    await addRun(first, { status: 'queued' }),
    await addRun(first, { status: 'running', lease_until: ago(1) }),
    await addRun(second, { status: 'running', lease_until: ago(1) }),
  ];
  await addRun(first, { status: 'running', lease_until: ago(-60) });
  await addRun(first, { status: 'waiting_approval', lease_until: ago(1) });
  await addRun(second, { status: 'completed', lease_until: ago(1) });
  const claims = await Promise.all(
    ['a', 'b'].map((owner) => call('orchestrator', 'select * from claim_runs($1, 10, 30)', owner)),
  );
  expect(
    claims
      .flat()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(orphans.sort());
  expect(await call('orchestrator', `select * from claim_runs('c', 10, 30)`)).toEqual([]);
  const [run] = await withTenantId(sources.orchestrator, second, (tx) =>
    tx.findBy(AgentRunEntity, { status: 'running' }),
  );
  expect(run?.lease_owner).toMatch(/^[ab]$/);
  expect(run?.lease_until?.getTime()).toBeGreaterThan(Date.now());
});

test('deliveries that are due wait in line, and their tenants have a turn', async () => {
  const tenant_id = await createTenant(database);
  const webhook = { tenant_id, id: v7(), url: 'http://x', events: [], secret_ciphertext: 'x' };
  const delivery = (facts: Partial<WebhookDeliveryEntity>): Partial<WebhookDeliveryEntity> => ({
    tenant_id,
    id: v7(),
    webhook_id: webhook.id,
    event_id: v7(),
    event_type: 'task.created',
    payload: { id: v7(), type: 'task.created', created_at: '', tenant_id, data: {} },
    ...facts,
  });
  const due = [
    delivery({ status: 'delivering', next_attempt_at: ago(20) }),
    delivery({ status: 'pending', next_attempt_at: ago(10) }),
  ];
  const others = [
    delivery({ status: 'pending', next_attempt_at: ago(-60) }),
    delivery({ status: 'delivering', next_attempt_at: ago(-60) }),
    delivery({ status: 'failed' }),
    delivery({ status: 'delivered' }),
  ];
  await withTenantId(sources.webhook, tenant_id, async (tx) => {
    await tx.insert(WebhookEntity, webhook);
    await tx.insert(WebhookDeliveryEntity, [...others, ...due]);
  });
  const turns = (batch: number, places: number) =>
    call('webhook', 'select * from delivery_turns($1, $2, $3)', webhook.id, batch, places);
  const inLine = () =>
    withTenantId(sources.webhook, tenant_id, (tx) =>
      tx.findBy(WebhookDeliveryEntity, { status: 'pending', next_attempt_at: IsNull() }),
    );
  expect(await turns(1, 4)).toEqual([{ tenant_id }]);
  expect((await inLine()).map(({ id }) => id)).toEqual([due[0]?.id]);
  expect(await turns(10, 1)).toEqual([]);
  expect((await inLine()).map(({ id }) => id).sort()).toEqual(due.map(({ id }) => id).sort());
  expect(await turns(10, 2)).toEqual([{ tenant_id }]);
});

describe('encryption keys', () => {
  const FIRST = ['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'];

  async function addCredential(tenant_id: string, key_id: string): Promise<{ tenant_id: string; id: string }> {
    const [provider_id, id] = [v7(), v7()];
    await withTenantId(sources.orchestrator, tenant_id, async (tx) => {
      await tx.insert(ProviderEntity, { tenant_id, id: provider_id, name: provider_id, kind: 'openai' });
      await tx.insert(ProviderCredentialEntity, { tenant_id, id, provider_id, ciphertext: 'x', key_id });
    });
    return { tenant_id, id };
  }

  async function addWebhook(tenant_id: string, secret_key_id: string | null) {
    const row = { tenant_id, id: v7(), url: 'http://x', events: [], secret_ciphertext: 'x', secret_key_id };
    await withTenantId(sources.webhook, tenant_id, (tx) => tx.insert(WebhookEntity, row));
    return { tenant_id, id: row.id };
  }

  test.each([
    ['orchestrator', 'credential_key_ids', 'stale_credentials', addCredential, 'old'],
    ['webhook', 'webhook_key_ids', 'stale_webhook_secrets', addWebhook, null],
  ] as const)(
    '%s: %s names each once, %s those who need another than the newest, in order',
    async (service, ids, stale, add, odd) => {
      await database.admin('delete from provider_credentials');
      await database.admin('delete from webhooks');
      expect(await call(service, `select * from ${ids}()`)).toEqual([]);
      const tenants = [await createTenant(database), await createTenant(database)].sort();
      const rows = [];
      for (const tenant of tenants) {
        await add(tenant, 'new');
        rows.push(await add(tenant, 'old'));
        rows.push(await add(tenant, odd ?? 'old'));
      }
      if (odd === null) rows.push(await addWebhook(tenants[1] ?? '', null));
      const key_ids = (await call(service, `select * from ${ids}()`)).map(({ key_id }) => key_id);
      expect(key_ids).toEqual(odd === null ? ['new', 'old', null] : ['new', 'old']);
      const all = `select * from ${stale}($1, $2, $3, $4)`;
      expect(await call(service, all, 'new', ...FIRST, 100)).toEqual(rows);
      expect(await call(service, all, 'new', ...FIRST, 2)).toEqual(rows.slice(0, 2));
      expect(await call(service, all, 'new', rows[1]?.tenant_id, rows[1]?.id, 100)).toEqual(rows.slice(2));
    },
  );
});
