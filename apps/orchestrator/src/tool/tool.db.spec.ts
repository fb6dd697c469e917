import type { CreateTool } from '@taai/contracts';
import { runInContext } from '@taai/tenant';
import { v7 } from 'uuid';
import { ToolHandler } from './tool.handler';
import { audited, startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let replica: Replica;
let user: User;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

const problem = (code: string, message: unknown = expect.any(String)): unknown =>
  expect.objectContaining({ name: 'ProblemError', code, message });

const secret = 'Bearer sk-canary-0123456789';

const http: CreateTool = {
  name: 'get_user',
  description: 'Reads a user.',
  kind: 'http',
  config: { method: 'GET', url: 'https://api.example.com/users/{{id}}' },
  input_schema: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
};
const mcp: CreateTool = { name: 'crm', kind: 'mcp', config: { url: 'https://mcp.example.com/mcp' } };
const builtin: CreateTool = { name: 'calculator', kind: 'builtin', config: { builtin: 'calculator' } };

const create = (fields: Partial<CreateTool> = {}, who = user) =>
  who.as(() => replica.tools.create({ ...http, ...fields }));
const update = (id: string, fields: object, who = user) => who.as(() => replica.tools.update({ id, ...fields }));

describe('tools', () => {
  it('are created with defaults, listed newest first, changed and removed', async () => {
    const { tools } = replica;
    await user.as(async () => {
      const first = await tools.create(http);
      const told = { secret_header_names: [], requires_approval: false, is_active: true };
      expect(first).toEqual({
        ...http,
        ...told,
        ...{ id: expect.any(String), created_at: expect.any(Date), updated_at: expect.any(Date) },
      });
      const second = await tools.create({ ...mcp, requires_approval: true });
      const page = await tools.list({ limit: 1 });
      expect(page).toMatchObject({ data: [second], has_more: true });
      const rest = await tools.list({ limit: 1, cursor: page.next_cursor ?? '' });
      expect(rest).toEqual({ data: [first], has_more: false, next_cursor: null });
      const config = { method: 'HEAD', url: 'https://api.example.com/v2/{{id}}' };
      expect(await tools.update({ id: first.id, name: 'find_user', config, is_active: false })).toMatchObject({
        ...{ name: 'find_user', config, is_active: false, input_schema: http.input_schema },
      });
      await tools.remove(first.id);
      await expect(tools.get(first.id)).rejects.toEqual(problem('not_found'));
    });
  });

  it('that are builtin bring their own description and schema', async () => {
    const own = await create({ ...builtin, description: undefined, input_schema: undefined });
    expect(own).toMatchObject({
      description: expect.stringContaining('Calculates'),
      input_schema: { required: ['expression'] },
    });
    const described = await update(own.id, { description: 'Adds up.' });
    expect(described).toMatchObject({ description: 'Adds up.', input_schema: { required: ['expression'] } });
  });

  it('have names of their own within a tenant', async () => {
    await create({}, await stage.newUser());
    await create();
    const { id } = await create({ name: 'other' });
    await expect(create()).rejects.toEqual(problem('slug_taken'));
    await expect(update(id, { name: http.name })).rejects.toEqual(problem('slug_taken'));
  });

  it('are created once per Idempotency-Key', async () => {
    const caller = { tenant_id: user.tenant_id, user_id: user.user_id, permissions: [], issuer: 'gateway' as const };
    const createOnce = (name: string) =>
      runInContext({ request_id: 'r', idempotency_key: 'key', caller }, () =>
        new ToolHandler(replica.tools).create({ ...http, name }),
      );
    const created = await createOnce('once');
    expect((await createOnce('once')).id).toBe(created.id);
    await expect(createOnce('twice')).rejects.toEqual(problem('idempotency_mismatch'));
  });

  it('stay, with their names, while an agent has them', async () => {
    const { tools, agents } = replica;
    const { id, name } = await create();
    const agent = await user.as(() => agents.create({ name: 'A', slug: 'a', system_prompt: '', model: 'm' }));
    const give = (names: string[]) =>
      stage.admin.query('update agents set tools = $2 where id = $1', [agent.id, names]);
    await give(['other', name]);
    await user.as(async () => {
      await expect(tools.remove(id)).rejects.toEqual(problem('conflict'));
      await expect(tools.update({ id, name: 'renamed' })).rejects.toEqual(problem('conflict'));
      await tools.update({ id, name, is_active: false });
    });
    await give(['other']);
    await user.as(() => tools.remove(id));
  });

  it("of another tenant are as those that don't exist", async () => {
    const { tools } = replica;
    const other = await stage.newUser();
    const foreign = await create({}, other);
    for (const id of [foreign.id, v7()]) {
      await user.as(async () => {
        await expect(tools.get(id)).rejects.toEqual(problem('not_found'));
        await expect(tools.update({ id, name: 'mine' })).rejects.toEqual(problem('not_found'));
        await expect(tools.remove(id)).rejects.toEqual(problem('not_found'));
        await expect(tools.executions({ id, limit: 20 })).rejects.toEqual(problem('not_found'));
        expect((await tools.list({ limit: 20 })).data).toEqual([]);
      });
    }
    expect(await other.as(() => tools.get(foreign.id))).toEqual(foreign);
  });

  it('tell their executions, newest first', async () => {
    const { tools, agents } = replica;
    const { id } = await create();
    const agent = await user.as(() => agents.create({ name: 'A', slug: 'a', system_prompt: '', model: 'm' }));
    const [run_id, ...executions] = [v7(), v7(), v7()];
    await stage.admin.query(
      `insert into agent_runs (tenant_id, id, agent_id, agent_version, input, state) values ($1, $2, $3, 1, '[]', '{}')`,
      [user.tenant_id, run_id, agent.id],
    );
    for (const [index, execution] of executions.entries()) {
      await stage.admin.query(
        `insert into tool_executions (tenant_id, id, run_id, tool_id, tool_name, tool_call_id, step, arguments, status)
         values ($1, $2, $3, $4, 'get_user', $5, 1, '{"id":7}', 'completed')`,
        [user.tenant_id, execution, run_id, id, `call-${index}`],
      );
    }
    const { data, has_more, next_cursor } = await user.as(() => tools.executions({ id, limit: 1 }));
    expect({ data, has_more }).toMatchObject({
      data: [{ id: executions[1], run_id, tool_id: id, tool_call_id: 'call-1', arguments: { id: 7 }, result: null }],
      has_more: true,
    });
    const rest = await user.as(() => tools.executions({ id, limit: 1, cursor: next_cursor ?? '' }));
    expect(rest).toMatchObject({ data: [{ id: executions[0] }], has_more: false });
  });
});

describe('a tool that could not work is refused:', () => {
  const url = 'https://api.example.com/';
  const schema = (properties: object) => ({ type: 'object', properties });
  const cases: [string, Partial<CreateTool>, string][] = [
    ['no description', { description: undefined }, 'description must tell the model'],
    ['no schema', { input_schema: undefined }, 'input_schema must be the JSON schema'],
    ['a schema of no object', { input_schema: { type: 'string' } }, 'one of an object'],
    [
      'a malformed schema',
      { input_schema: schema({ id: { type: 'text' } }) },
      'input_schema cannot be used: The schema is malformed: properties.id.type must be one of the following values',
    ],
    ['a broken pattern', { input_schema: schema({ id: { pattern: '(' } }) }, 'Invalid regular expression'],
    ['a schema elsewhere', { input_schema: schema({ id: { $ref: `${url}schema` } }) }, "can't resolve reference"],
    ['a large schema', { input_schema: { ...schema({ id: {} }), title: 'x'.repeat(70_000) } }, 'larger than 64 kB'],
    ['no config', { config: {} }, 'config.method must be present'],
    ['an unknown method', { config: { method: 'TRACE', url } }, 'config.method'],
    ['an unknown field', { config: { method: 'GET', url, follow: true } }, 'config.follow should not exist'],
    ['no time at all', { config: { method: 'GET', url, timeout_ms: 0 } }, 'config.timeout_ms'],
    ['too much time', { config: { method: 'GET', url, timeout_ms: 600_000 } }, 'config.timeout_ms'],
    ['a host from arguments', { config: { method: 'GET', url: 'https://{{id}}/' } }, 'config.url may have arguments'],
    ['an unknown argument', { config: { method: 'GET', url: `${url}{{user}}` } }, 'names {{user}}'],
    ['an inherited argument', { config: { method: 'GET', url: `${url}{{constructor}}` } }, 'names {{constructor}}'],
    ['a body of a GET', { config: { method: 'GET', url, body: {} } }, 'config.body must be absent'],
    [
      'a reserved header',
      { config: { method: 'GET', url, headers: { Host: 'x' } } },
      'config.headers.Host is no header',
    ],
    ['a broken header', { config: { method: 'GET', url, headers: { 'a b': 'x' } } }, 'config.headers.a b is no header'],
    [
      'a key in plain sight',
      { config: { method: 'GET', url, headers: { 'X-Api-Key': 'x' } } },
      'belongs into secret_headers',
    ],
    ['a reserved secret header', { secret_headers: { 'content-length': '1' } }, 'secret_headers.content-length'],
    ['a secret with a line break', { secret_headers: { authorization: 'a\r\nx: y' } }, 'ASCII without line breaks'],
    [
      'a secret that is no text',
      { secret_headers: { authorization: 7 as unknown as string } },
      'secret_headers.authorization',
    ],
    [
      'many secrets',
      { secret_headers: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'x'])) },
      'secret_headers',
    ],
    ['an unknown builtin', { ...builtin, input_schema: undefined, config: { builtin: 'shell' } }, 'config.builtin'],
    ['a schema of a builtin', builtin, 'input_schema must be absent'],
    [
      'a secret of a builtin',
      { ...builtin, input_schema: undefined, secret_headers: { a: 'b' } },
      'secret_headers must be absent',
    ],
    ['a schema of a server', mcp, 'input_schema must be absent'],
    ['a command', { ...mcp, input_schema: undefined, config: { command: 'sh' } }, 'config.command should not exist'],
  ];

  it.each(cases)('%s', async (_, fields, reason) => {
    await expect(create(fields)).rejects.toEqual(problem('validation_failed', expect.stringContaining(reason)));
    expect((await user.as(() => replica.tools.list({ limit: 20 }))).data).toEqual([]);
  });

  it.each([
    'http://10.0.0.1/',
    'http://169.254.169.254/x',
    'http://[::1]:80/',
    'ftp://example.com/',
    'https://a:b@example.com/',
  ])('a server at %s', async (url) => {
    const { id } = await create({ ...mcp, input_schema: undefined });
    await expect(update(id, { config: { url } })).rejects.toEqual(problem('url_not_allowed'));
    const fields = { config: { method: 'GET', url } };
    await expect(create(fields)).rejects.toEqual(problem('url_not_allowed'));
  });

  it('with a change, too, which changes nothing', async () => {
    const tool = await create();
    const input_schema = schema({ other: {} });
    await expect(update(tool.id, { input_schema })).rejects.toEqual(
      problem('validation_failed', expect.stringContaining('names {{id}}')),
    );
    expect(await user.as(() => replica.tools.get(tool.id))).toEqual(tool);
  });
});

describe('secret headers', () => {
  const stored = async (id: string) => {
    const sql = 'select secret_ciphertext, secret_key_id, secret_header_names from tools where id = $1';
    return (await stage.admin.query<Record<string, string | null>>(sql, [id])).rows[0];
  };
  const none = { secret_ciphertext: null, secret_key_id: null, secret_header_names: [] };
  const withSecret = () => create({ secret_headers: { Authorization: secret } });

  it('are sealed, never shown, replaced and removed', async () => {
    const tool = await withSecret();
    expect(tool.secret_header_names).toEqual(['Authorization']);
    const before = await stored(tool.id);
    expect(before?.['secret_key_id']).toMatch(/^[0-9a-f]{8}$/);
    const { data } = await user.as(() => replica.tools.list({ limit: 20 }));
    expect(JSON.stringify([tool, data, before])).not.toContain('canary');
    const replaced = await update(tool.id, { secret_headers: { 'x-key': 'another' } });
    expect(replaced.secret_header_names).toEqual(['x-key']);
    expect((await stored(tool.id))?.['secret_ciphertext']).not.toBe(before?.['secret_ciphertext']);
    expect(await update(tool.id, { secret_headers: null })).toMatchObject({ secret_header_names: [] });
    expect(await stored(tool.id)).toEqual(none);
  });

  it.each([
    ['https://other.example.com/{{id}}'],
    ['https://api.example.com.evil.test/{{id}}'],
    ['http://api.example.com/{{id}}'],
    ['https://api.example.com:8443/{{id}}'],
  ])('are dropped when the tool moves to %s', async (url) => {
    const { id } = await withSecret();
    const config = { method: 'GET', url };
    expect(await update(id, { config })).toMatchObject({ config, secret_header_names: [] });
    expect(await stored(id)).toEqual(none);
  });

  it('stay while the tool stays at its origin, and may move along when they are given anew', async () => {
    const { id } = await withSecret();
    for (const change of [{ config: { method: 'POST', url: 'https://API.example.com:443/v2' } }, { is_active: false }])
      expect(await update(id, change)).toMatchObject({ secret_header_names: ['Authorization'] });
    const config = { method: 'GET', url: 'https://other.example.com' };
    const moved = await update(id, { config, secret_headers: { 'x-key': 'for the other one' } });
    expect(moved.secret_header_names).toEqual(['x-key']);
  });
});

describe('each change of a tool', () => {
  it('is told to the audit log, with the names of secret headers alone', async () => {
    const { id } = await create({ secret_headers: { Authorization: secret } });
    await update(id, { description: 'Finds a user.' });
    await update(id, { secret_headers: { Authorization: `${secret}-new` } });
    await update(id, { secret_headers: null });
    await update(id, { description: 'Finds a user.' });
    await user.as(() => replica.tools.remove(id));
    const entries = await audited(stage, user);
    const by = { actor_type: 'user', actor_id: user.user_id, target_type: 'tool', target_id: id };
    expect(entries).toMatchObject([
      { ...by, action: 'tool.created', after: { name: 'get_user', secret_header_names: ['Authorization'] } },
      {
        ...by,
        action: 'tool.updated',
        before: { description: 'Reads a user.' },
        after: { description: 'Finds a user.' },
      },
      { ...by, action: 'tool.updated', after: { has_new_secrets: true } },
      { ...by, action: 'tool.updated', after: { secret_header_names: [] } },
      { ...by, action: 'tool.deleted', before: { name: 'get_user' }, after: null },
    ]);
    expect(JSON.stringify(entries)).not.toContain('canary');
  });
});
