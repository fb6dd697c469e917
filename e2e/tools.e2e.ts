import type { Client } from './support/client';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newTenant, type TestTenant } from './support/tenant';

const { anonymous } = sharedFleet();

const secret = 'Bearer sk-canary-0123456789';

const weather = {
  name: 'weather',
  description: 'Tells the weather of a city.',
  kind: 'http',
  config: { method: 'GET', url: 'https://api.example.com/weather/{{city}}', query: { unit: '{{unit}}' } },
  input_schema: {
    type: 'object',
    properties: { city: { type: 'string' }, unit: { enum: ['c', 'f'] } },
    required: ['city'],
    additionalProperties: false,
  },
};

describe('tools', () => {
  let tenant: TestTenant;

  beforeEach(async () => {
    tenant = await newTenant(anonymous);
  });

  it('are created, read, changed and deleted, their secrets never shown', async () => {
    const { client } = tenant;
    const created = await client.post('/v1/tools', { ...weather, secret_headers: { Authorization: secret } });
    expect(created).toMatchObject({
      status: 201,
      body: {
        ...weather,
        secret_header_names: ['Authorization'],
        requires_approval: false,
        separate_approver: false,
        is_active: true,
      },
    });
    const path = `/v1/tools/${created.body['id']}`;
    expect((await client.get(path)).body).toEqual(created.body);
    const changed = await client.patch(path, { requires_approval: true, description: 'Tells of rain.' });
    expect(changed).toMatchObject({ status: 200, body: { requires_approval: true, description: 'Tells of rain.' } });
    const moved = await client.patch(path, { config: { method: 'GET', url: 'https://other.example.com/{{city}}' } });
    expect(moved).toMatchObject({ status: 200, body: { secret_header_names: [] } });
    expect((await client.get(`${path}/executions`)).body).toEqual({ data: [], has_more: false, next_cursor: null });
    await eventually(async () => {
      const { body } = await client.get('/v1/audit-logs?limit=100');
      const told = JSON.stringify(body);
      for (const action of ['tool.created', 'tool.updated']) expect(told).toContain(action);
      expect(told + JSON.stringify([created, changed, moved])).not.toContain('canary');
    });
    expect((await client.delete(path)).status).toBe(204);
    expect((await client.get(path)).status).toBe(404);
    expect((await client.get(`${path}/executions`)).status).toBe(404);
  });

  it('of every kind are listed, newest first', async () => {
    const { client } = tenant;
    const builtins = ['create_task', 'search_tasks', 'update_task', 'current_time', 'calculator'];
    for (const builtin of builtins)
      await client.post('/v1/tools', { name: builtin, kind: 'builtin', config: { builtin } });
    await client.post('/v1/tools', weather);
    await client.post('/v1/tools', { name: 'crm', kind: 'mcp', config: { url: 'https://mcp.example.com/mcp' } });
    const { body } = await client.get('/v1/tools');
    const tools = body['data'] as {
      name: string;
      kind: string;
      description: string;
      input_schema: { type?: string };
    }[];
    expect(tools.map(({ name }) => name)).toEqual(['crm', 'weather', ...builtins.toReversed()]);
    for (const { description, input_schema } of tools.filter(({ kind }) => kind === 'builtin'))
      expect([description.length > 20, input_schema.type]).toEqual([true, 'object']);
  });

  const malformed: [string, object, number, string][] = [
    ['schema', { input_schema: { type: 'object', properties: { city: { type: 'text' } } } }, 400, 'validation_failed'],
    ['schema of no object', { input_schema: { type: 'array' } }, 400, 'validation_failed'],
    [
      'schema that refers elsewhere',
      { input_schema: { type: 'object', allOf: [{ $ref: 'http://a.test/' }] } },
      400,
      'validation_failed',
    ],
    ['name', { name: 'the weather' }, 400, 'validation_failed'],
    ['kind', { kind: 'shell' }, 400, 'validation_failed'],
    ['host', { config: { method: 'GET', url: 'https://{{city}}.example.com/' } }, 400, 'validation_failed'],
    ['header', { secret_headers: { host: 'x' } }, 400, 'validation_failed'],
    ['address', { config: { method: 'GET', url: 'http://169.254.169.254/{{city}}' } }, 422, 'url_not_allowed'],
  ];

  it.each(malformed)('with a malformed %s are refused', async (_, fields, status, code) => {
    const refused = await tenant.client.post('/v1/tools', { ...weather, ...fields });
    expect(refused).toMatchObject({ status, body: { code, detail: expect.any(String) } });
  });

  it('may be read by all, and changed by admins alone', async () => {
    const { body } = await tenant.client.post('/v1/tools', weather);
    const path = `/v1/tools/${body['id']}`;
    const calls: [string, (client: Client) => Promise<{ status: number }>][] = [
      ['list', (client) => client.get('/v1/tools')],
      ['get', (client) => client.get(path)],
      ['executions', (client) => client.get(`${path}/executions`)],
      ['create', (client) => client.post('/v1/tools', { ...weather, name: 'another' })],
      ['update', (client) => client.patch(path, { is_active: false })],
      ['remove', (client) => client.delete(path)],
    ];
    const statuses = async (client: Client) => {
      const found: Record<string, number> = {};
      for (const [name, call] of calls) found[name] = (await call(client)).status;
      return found;
    };
    const reads = { list: 200, get: 200, executions: 200 };
    for (const role of ['viewer', 'member'])
      expect(await statuses(await colleague(tenant, role))).toEqual({
        ...reads,
        create: 403,
        update: 403,
        remove: 403,
      });
    const stranger = (await newTenant(anonymous)).client;
    expect(await statuses(stranger)).toEqual({
      list: 200,
      get: 404,
      executions: 404,
      create: 201,
      update: 404,
      remove: 404,
    });
    expect((await tenant.client.get(path)).body).toEqual(body);
    expect(await statuses(tenant.client)).toEqual({ ...reads, create: 201, update: 200, remove: 204 });
  });
});
