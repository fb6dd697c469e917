import type { CreateTool } from '@taai/contracts';
import { log } from '@taai/platform';
import { json, startServer, type TestServer } from './http/http-server.testing';
import { said, startMcpServer, type McpTestServer } from './mcp/mcp-server.testing';
import { startStage, type Replica, type Stage, type User } from '../replica.testing';
import { callTool, failure } from './tool.testing';

const secret = 'Bearer sk-canary-0123456789';
const cityOf = { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] };

let stage: Stage;
let replica: Replica;
let user: User;
let mcp: McpTestServer;
let api: TestServer;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
  mcp = await startMcpServer({
    weather: {
      description: 'The weather.',
      inputSchema: cityOf,
      annotations: { readOnlyHint: true },
      call: ({ city }) => said(`Rain in ${String(city)}.`),
    },
    'send mail': { call: () => said('Sent.'), annotations: { readOnlyHint: false } },
    leak: { call: (_, { authorization }) => said(`You said ${authorization}`) },
    fail: { call: (_, { authorization }) => ({ ...said(`Not with ${authorization}`), isError: true }) },
    large: { call: () => said('x'.repeat(100_000)) },
    broken: {
      inputSchema: { type: 'object', properties: { a: { $ref: 'http://127.0.0.1/x' } } },
      call: () => said(''),
    },
  });
  api = await startServer((response, { headers }) => json({ seen: headers.authorization })(response));
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await stage.close();
  await mcp.close();
  await api.close();
});

const create = (fields: Omit<CreateTool, 'description'> & { description?: string }) =>
  user.as(() => replica.tools.create(fields));
const load = (...names: string[]) => user.as(() => replica.toolBox.load(names));
const builtin = (name: string) => create({ name, kind: 'builtin', config: { builtin: name } });
const server = (fields: Partial<CreateTool> = {}) =>
  create({ name: 'crm', kind: 'mcp', config: { url: mcp.url }, ...fields });
const webApi = (fields: Partial<CreateTool> = {}) =>
  create({
    name: 'api',
    description: 'Calls.',
    kind: 'http',
    input_schema: { type: 'object' },
    config: { method: 'POST', url: api.url },
    ...fields,
  });

describe('the tool box', () => {
  it('has the tools that are named, active and here, in the order of the names', async () => {
    await builtin('calculator');
    const inactive = await builtin('current_time');
    await user.as(() => replica.tools.update({ id: inactive.id, is_active: false }));
    const api = await webApi({ requires_approval: true });
    const other = await stage.newUser();
    await other.as(() => replica.tools.create({ name: 'foreign', kind: 'builtin', config: { builtin: 'calculator' } }));
    const tools = await load('api', 'foreign', 'current_time', 'nobody', 'calculator');
    expect(tools).toMatchObject([
      { name: 'api', tool_id: api.id, description: 'Calls.', requires_approval: true, is_repeatable: false },
      { name: 'calculator', requires_approval: false, is_repeatable: true, input_schema: { required: ['expression'] } },
    ]);
    expect(await load()).toEqual([]);
  });

  it('runs builtin tools', async () => {
    await builtin('calculator');
    const [calculator] = await load('calculator');
    expect(await callTool(calculator, { expression: '6 * 7' })).toEqual({ value: 42 });
    await expect(callTool(calculator, {})).rejects.toEqual(failure('invalid_arguments'));
    await expect(callTool(calculator, { expression: '1/0' })).rejects.toEqual(failure('invalid_arguments'));
  });

  it('sends secret headers, which it shows to nobody', async () => {
    await webApi({ secret_headers: { Authorization: secret } });
    const [tool] = await load('api');
    expect(await callTool(tool)).toEqual({ status: 200, body: { seen: '[secret]' } });
    expect(api.received.at(-1)?.headers.authorization).toBe(secret);
  });

  it('says so when secret headers cannot be opened', async () => {
    const lines = jest.spyOn(log, 'error').mockImplementation(() => undefined);
    const [one, other] = [
      await webApi({ secret_headers: { Authorization: secret } }),
      await webApi({ name: 'other', secret_headers: { Authorization: 'another' } }),
    ];
    await stage.admin.query(
      'update tools set secret_ciphertext = (select secret_ciphertext from tools where id = $1) where id = $2',
      [one.id, other.id],
    );
    const [tool] = await load('other');
    await expect(callTool(tool)).rejects.toEqual(failure('secrets_unreadable'));
    expect(JSON.stringify(lines.mock.calls)).not.toContain('canary');
  });
});

describe('an MCP server by the official SDK', () => {
  it('brings all of its tools, under names that vendors accept', async () => {
    await server();
    await builtin('calculator');
    expect(await load('crm', 'calculator')).toMatchObject([
      { name: 'crm_weather', description: 'The weather.', input_schema: cityOf, is_repeatable: true },
      { name: 'crm_send_mail', description: '', is_repeatable: false },
      ...['crm_leak', 'crm_fail', 'crm_large', 'crm_broken', 'calculator'].map((name) => ({ name })),
    ]);
  });

  it('or the one that is named, under the name of the row', async () => {
    await server({ name: 'forecast', description: 'What the sky does.', config: { url: mcp.url, tool: 'weather' } });
    await server({ name: 'none', config: { url: mcp.url, tool: 'nothing' } });
    const tools = await load('forecast', 'none');
    expect(tools).toMatchObject([{ name: 'forecast', description: 'What the sky does.', input_schema: cityOf }]);
    expect(await callTool(tools[0], { city: 'Rome' })).toBe('Rain in Rome.');
    await expect(callTool(tools[0], { city: 7 })).rejects.toEqual(failure('invalid_arguments'));
  });

  it('is asked for its tools once, until its row changes', async () => {
    const { id } = await server();
    const before = mcp.seen.lists;
    await Promise.all([load('crm'), load('crm'), load('crm')]);
    await load('crm');
    expect(mcp.seen.lists).toBe(before + 1);
    await user.as(() => replica.tools.update({ id, requires_approval: true }));
    expect(await load('crm')).toMatchObject(Array(6).fill({ requires_approval: true }));
    expect(mcp.seen.lists).toBe(before + 2);
  });

  it('sees the secret headers, and cannot have them told', async () => {
    await server({ secret_headers: { Authorization: secret } });
    const tools = new Map((await load('crm')).map((tool) => [tool.name, tool]));
    expect(await callTool(tools.get('crm_leak'))).toBe('You said [secret]');
    await expect(callTool(tools.get('crm_fail'))).rejects.toEqual(failure('tool_error', 'Not with [secret]'));
    expect(mcp.calls.at(-1)?.headers['authorization']).toBe(secret);
  });

  it('fails with what is too large, and with a schema that is none', async () => {
    await server();
    const tools = new Map((await load('crm')).map((tool) => [tool.name, tool]));
    await expect(callTool(tools.get('crm_large'))).rejects.toEqual(failure('result_too_large'));
    await expect(callTool(tools.get('crm_broken'))).rejects.toEqual(failure('invalid_schema'));
  });

  it('that does not answer is left out, within its time limit, and asked again', async () => {
    const lines = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
    const silent = await startServer(() => undefined);
    try {
      await server({ name: 'silent', config: { url: silent.url, timeout_ms: 200 }, secret_headers: { a: secret } });
      await builtin('calculator');
      expect(await load('silent', 'calculator')).toMatchObject([{ name: 'calculator' }]);
      expect(await load('silent', 'calculator')).toMatchObject([{ name: 'calculator' }]);
      expect(lines.mock.calls.map(([fields]) => fields)).toMatchObject([{ code: 'timeout' }, { code: 'timeout' }]);
      expect(JSON.stringify(lines.mock.calls)).not.toContain('canary');
    } finally {
      await silent.close();
    }
  });

  it('gives way where its tool has the name of another one, in whatever order', async () => {
    const { id } = await webApi({ name: 'crm_weather' });
    await server();
    const weather = async (...names: string[]) => (await load(...names)).filter(({ name }) => name === 'crm_weather');
    expect(await weather('crm_weather', 'crm')).toMatchObject([{ tool_id: id, description: 'Calls.' }]);
    expect(await weather('crm', 'crm_weather')).toMatchObject([{ tool_id: id, description: 'Calls.' }]);
    await user.as(() => replica.tools.update({ id, is_active: false }));
    expect(await weather('crm', 'crm_weather')).toEqual([]);
  });
});
