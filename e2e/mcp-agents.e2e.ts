import { said, startMcpServer, type McpTestServer } from '../apps/orchestrator/src/tool/mcp/mcp-server.testing';
import type { Client, Json } from './support/client';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant } from './support/tenant';

const { anonymous, sandboxUrl } = sharedFleet();

const numbers = {
  type: 'object' as const,
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
};
const stock = { apples: 3, pears: 5 };

/** The server is built with the official SDK, and speaks streamable HTTP. */
describe('an agent with the tools of an MCP server', () => {
  let server: McpTestServer;
  let client: Client;
  let agent: string;

  beforeAll(async () => {
    server = await startMcpServer({
      add: {
        description: 'Adds two numbers.',
        inputSchema: numbers,
        call: ({ a, b }) => said(`The sum is ${Number(a) + Number(b)}.`),
      },
      stock: {
        description: 'What is in store.',
        call: () => ({ ...said(JSON.stringify(stock)), structuredContent: stock }),
      },
      break: { call: () => ({ ...said('The store is closed.'), isError: true }) },
    });
  });
  afterAll(() => server?.close());

  beforeEach(async () => {
    const tenant = await newTenant(anonymous);
    client = tenant.client;
    agent = await newAgent(tenant, sandboxUrl);
    server.calls.length = 0;
  });

  /** Adds a row for the server, of which the agent then has all tools or, with `tool`, one. */
  async function connect(name: string, config: object = {}): Promise<Json> {
    const secret_headers = { authorization: 'Bearer mcp-token-123' };
    const row = { name, kind: 'mcp', config: { url: server.url, ...config }, secret_headers };
    const created = await client.post('/v1/tools', row);
    expect(created).toMatchObject({ status: 201, body: { secret_header_names: ['authorization'] } });
    const { body } = await client.get(`/v1/agents/${agent}`);
    await client.patch(`/v1/agents/${agent}`, { tools: [...body['tools'], name] });
    return created.body;
  }

  async function run(script: string) {
    const { status, body } = await client.post(`/v1/agents/${agent}/runs`, { input: `[[delay=0 ${script}]]` });
    expect([status, body['status']]).toEqual([200, 'completed']);
    const { steps } = (await client.get(`/v1/runs/${body['id']}`)).body;
    const calls = (steps as Json[]).flatMap((step) => step['tool_calls'] as Json[]);
    return { output: body['output'] as string, calls };
  }

  it('calls several of them, by a row for all, and quotes what they said', async () => {
    const { id } = await connect('shop');
    const { output, calls } = await run(
      'tool=shop_add:{"a":40,"b":2} tool=shop_stock:{} step tool=shop_add:{"a":1,"b":1}',
    );
    expect(calls).toMatchObject([
      { tool_name: 'shop_add', tool_id: id, status: 'completed', result: 'The sum is 42.' },
      { tool_name: 'shop_stock', tool_id: id, status: 'completed', result: stock },
      { tool_name: 'shop_add', tool_id: id, status: 'completed', result: 'The sum is 2.' },
    ]);
    for (const said of ['The sum is 42.', JSON.stringify(stock), 'The sum is 2.']) expect(output).toContain(said);
    expect(server.calls.map(({ name, args }) => ({ name, args }))).toEqual(
      expect.arrayContaining([
        { name: 'add', args: { a: 40, b: 2 } },
        { name: 'stock', args: {} },
        { name: 'add', args: { a: 1, b: 1 } },
      ]),
    );
    expect(server.calls.map(({ headers }) => headers['authorization'])).toEqual(
      Array.from({ length: 3 }, () => 'Bearer mcp-token-123'),
    );
    const keys = server.calls.map(({ headers }) => headers['idempotency-key']);
    expect(keys.sort()).toEqual(calls.map((call) => call['id']).sort());
    const executions = (await client.get(`/v1/tools/${id}/executions`)).body['data'] as Json[];
    expect(executions.map((execution) => execution['id']).sort()).toEqual(keys);
  });

  it('calls the one that a row stands for, by the name of the row, and no other', async () => {
    await connect('sum', { tool: 'add' });
    const { output, calls } = await run('tool=sum:{"a":20,"b":1} tool=sum_stock:{} tool=stock:{}');
    expect(calls).toMatchObject([{ tool_name: 'sum', status: 'completed', result: 'The sum is 21.' }]);
    expect(output).toContain('The sum is 21.');
    expect(server.calls).toMatchObject([{ name: 'add', args: { a: 20, b: 1 } }]);
  });

  it('tells the model of arguments that do not fit, uncalled, and of what the tool calls an error', async () => {
    await connect('shop');
    const { output, calls } = await run('tool=shop_add:{"a":"one"} step tool=shop_break:{}');
    expect(calls).toMatchObject([
      { tool_name: 'shop_add', status: 'failed', error_code: 'invalid_arguments' },
      { tool_name: 'shop_break', status: 'failed', error_code: 'tool_error', error_detail: 'The store is closed.' },
    ]);
    expect(output).toContain('The store is closed.');
    expect(server.calls.map(({ name }) => name)).toEqual(['break']);
  });
});
