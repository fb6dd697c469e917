import { gunzipSync } from 'node:zlib';
import { Client as Database } from 'pg';
import { adminCommand } from './support/admin';
import type { Client, Json } from './support/client';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, gateways, adminDatabaseUrl, adminEnv, sandboxUrl } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;

let database: Database;

beforeAll(async () => {
  database = new Database({ connectionString: adminDatabaseUrl });
  await database.connect();
});
afterAll(() => database.end());

const rowsOf = async (sql: string, ...params: unknown[]) => (await database.query<Json>(sql, params)).rows;

const admin = (...args: string[]) => adminCommand(adminEnv, ...args);

/** With something in every service: a provider with a key, an agent, a run with its cost, a conversation, a task, a webhook. */
async function busyTenant(): Promise<TestTenant & { marks: Record<string, string> }> {
  const tenant = await newTenant(anonymous);
  const { client } = tenant;
  const agents = await newAgent(tenant, sandboxUrl);
  const task = await client.post('/v1/tasks', { title: 'Water the plants 🌱', labels: ['home'] });
  const webhook = await client.post('/v1/webhooks', { url: `${sandboxUrl}/hook`, events: ['task.created'] });
  const conversation = await client.post('/v1/conversations', { agent_id: agents });
  const conversations = conversation.body['id'] as string;
  await client.post(`/v1/conversations/${conversations}/messages`, { content: 'Hello there' });
  return { ...tenant, marks: { tasks: task.body['id'], agents, conversations, webhooks: webhook.body['id'] } };
}

async function exported({ client }: TestTenant): Promise<string> {
  const { status, body } = await client.post('/v1/tenant/export');
  expect({ status, body }).toMatchObject({ status: 202, body: { kind: 'tenant.export', status: 'queued' } });
  await eventually(async () => {
    const job = await client.get(`/v1/jobs/${body['id']}`);
    expect(job.body).toMatchObject({ status: 'completed', progress: expect.any(Number), error_code: null });
    expect(job.body['progress']).toBe(job.body['total']);
  });
  return body['id'];
}

describe('settings', () => {
  it('are read and changed by the tenant', async () => {
    const { client, tenant_id } = await newTenant(anonymous);
    const changed = await client.patch('/v1/tenant', { name: 'Acme', settings: { locale: 'de', beta: true } });
    expect(changed).toMatchObject({ status: 200, body: { id: tenant_id, name: 'Acme', delete_at: null } });
    await client.patch('/v1/tenant', { settings: { beta: null } });
    expect((await client.get('/v1/tenant')).body).toMatchObject({ name: 'Acme', settings: { locale: 'de' } });
  });

  it.each([
    [{ settings: [] }, 'settings'],
    [{ settings: 'x' }, 'settings'],
    [{ settings: { big: 'x'.repeat(20_000) } }, 'settings'],
    [{ name: '' }, 'name'],
    [{ name: null }, 'name'],
    [{ status: 'active' }, 'status'],
    [{ plan_id: 'unlimited' }, 'plan_id'],
  ])('refuse %j', async (body, path) => {
    const { client } = await newTenant(anonymous);
    const answer = await client.patch('/v1/tenant', body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path }] } });
  });
});

describe('export', () => {
  it("is an archive of all the tenant's rows, of nobody else's, and without a secret", async () => {
    const [tenant, other] = [await busyTenant(), await busyTenant()];
    const id = await exported(tenant);

    const response = await tenant.client.fetch('GET', `/v1/tenant/exports/${id}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/gzip');
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="export-${id}.jsonl.gz"`);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    const text = gunzipSync(bytes).toString();

    const [head, ...lines] = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { rows: counts } = lines.pop() as { rows: Record<string, number> };
    expect(head).toMatchObject({ format: 'task-assistant-export', tenant_id: tenant.tenant_id });
    for (const [table, mark] of Object.entries(tenant.marks)) {
      expect(lines).toContainEqual({ table, row: expect.objectContaining({ id: mark }) });
    }
    expect(counts).toMatchObject({ tenants: 1, users: 1, tasks: 1, agents: 1, usage_records: 1, messages: 2 });
    expect(lines).toHaveLength(Object.values(counts).reduce((sum, count) => sum + count));
    for (const foreign of [other.tenant_id, other.user_id, other.email, ...Object.values(other.marks)]) {
      expect(text).not.toContain(foreign);
    }
    const columns = new Set(lines.flatMap(({ row }) => Object.keys(row as object)));
    for (const secret of [
      'password_hash',
      'key_hash',
      'token_hash',
      'refresh_token_hash',
      'refresh_salt',
      'ciphertext',
      'secret_ciphertext',
    ])
      expect(columns).not.toContain(secret);
    expect(text).not.toMatch(/sk-sandbox|whsec_|\$2[aby]\$/);
  });

  it('is not found by another tenant, nor under any other id; and one is made at a time', async () => {
    const [tenant, other] = [await newTenant(anonymous), await newTenant(anonymous)];
    const id = await exported(tenant);
    for (const answer of [
      await other.client.get(`/v1/tenant/exports/${id}`),
      await tenant.client.get(`/v1/tenant/exports/${tenant.tenant_id}`),
    ])
      expect(answer).toMatchObject({ status: 404, body: { code: 'not_found', detail: 'There is no such export.' } });
    expect(await other.client.get(`/v1/jobs/${id}`)).toMatchObject({ status: 404 });
    expect(await anonymous.get(`/v1/tenant/exports/${id}`)).toMatchObject({ status: 401 });

    const requests = await Promise.all([1, 2, 3].map(() => tenant.client.post('/v1/tenant/export')));
    const statuses = requests.map(({ status }) => status).sort();
    expect(statuses.filter((status) => status === 202).length).toBeGreaterThanOrEqual(1);
    expect(statuses.every((status) => status === 202 || status === 409)).toBe(true);
  });
});

describe('suspension', () => {
  /** A session and an API key of the tenant, which both gateways know. */
  async function callersOf({ client }: TestTenant): Promise<Client[]> {
    const key = await client.post('/v1/api-keys', { name: 'CI', scopes: ['tasks:read'] });
    const callers = [client, anonymous.withToken(key.body['key'])];
    return callers.flatMap((caller) => gateways.map((gateway) => caller.at(gateway)));
  }

  const everyone = (callers: Client[], expected: object) =>
    eventually(async () => {
      const answers = await Promise.all(callers.map((caller) => caller.get('/v1/tasks')));
      for (const answer of answers) expect(answer).toMatchObject(expected);
    }, SECONDS);

  it("by the operator's command closes every way in within 5 seconds, until the tenant is resumed", async () => {
    const tenant = await newTenant(anonymous);
    const { tenant_id, email, password } = tenant;
    const login = () => anonymous.post('/v1/auth/login', { email, password });
    const { refresh_token } = (await login()).body;
    const callers = await callersOf(tenant);
    await everyone(callers, { status: 200 });
    expect(await admin('tenant', 'list')).toContain(`${tenant_id}  active`);

    expect(await admin('tenant', 'suspend', tenant_id)).toContain('is suspended');
    const suspended = { status: 403, body: { code: 'tenant_suspended' } };
    await everyone(callers, suspended);
    expect(await login()).toMatchObject(suspended);
    expect(await anonymous.post('/v1/auth/refresh', { refresh_token })).toMatchObject(suspended);

    expect(await admin('tenant', 'resume', tenant_id)).toContain('is active');
    expect(await admin('tenant', 'show', tenant_id)).toMatch(/status\s+active/);
    await everyone(callers, { status: 200 });
    expect(await login()).toMatchObject({ status: 200 });
    expect(await anonymous.post('/v1/auth/refresh', { refresh_token })).toMatchObject({ status: 200 });
  });

  it.each([
    [['tenant', 'suspend', 'nobody'], 1, 'a UUID'],
    [['tenant', 'eat'], 2, 'no such command'],
  ])('%j fails with a sentence', async (args, code, stderr) => {
    await expect(admin(...args)).rejects.toMatchObject({ code, stderr: expect.stringContaining(stderr) });
  });
});

describe('deletion', () => {
  const countRows = async (tenant: string) => {
    const tables = await rowsOf(
      `select table_name as name from information_schema.columns c join information_schema.tables t using (table_name, table_schema)
        where c.table_schema = 'public' and c.column_name = 'tenant_id' and t.table_type = 'BASE TABLE'`,
    );
    let sum = 0;
    for (const { name } of tables) {
      const [row] = await rowsOf(`select count(*)::integer as count from ${name} where tenant_id = $1`, tenant);
      sum += row.count as number;
    }
    return sum;
  };

  it('can be cancelled by the operator while its time of grace lasts', async () => {
    const { client, tenant_id } = await newTenant(anonymous);
    expect((await client.delete('/v1/tenant')).status).toBe(204);
    const [tenant] = await rowsOf('select status, delete_at from tenants where id = $1', tenant_id);
    expect(tenant.status).toBe('deleting');
    expect((tenant.delete_at as Date).getTime()).toBeGreaterThan(Date.now() + 29 * 24 * 3600 * 1000);
    expect(await admin('tenant', 'restore', tenant_id)).toContain('is active');
    expect(await rowsOf('select status, delete_at from tenants where id = $1', tenant_id)).toEqual([
      { status: 'active', delete_at: null },
    ]);
  });

  it('leaves no row of the tenant in any table, and those of others as they are', async () => {
    const [tenant, other] = [await busyTenant(), await busyTenant()];
    await tenant.client.delete('/v1/tenant');
    const before = await eventually(async () => {
      // Whatever was on its way has arrived.
      expect(await rowsOf('select from outbox where tenant_id = $1', other.tenant_id)).toEqual([]);
      return countRows(other.tenant_id);
    });
    expect(before).toBeGreaterThan(10);
    await rowsOf(`update tenants set delete_at = now() where id = $1`, tenant.tenant_id);
    await eventually(async () => {
      expect(await rowsOf('select from tenants where id = $1', tenant.tenant_id)).toEqual([]);
    }, 60);
    expect(await countRows(tenant.tenant_id)).toBe(0);
    expect(await countRows(other.tenant_id)).toBe(before);
    const login = await anonymous.post('/v1/auth/login', { email: tenant.email, password: tenant.password });
    expect(login).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  });
});
