import type { CreateTool } from '@taai/contracts';
import { v7 } from 'uuid';
import { providerCalls, startStage, type Replica, type Stage } from '../../../replica.testing';
import { json, startServer, type TestServer } from '../../../tool/http/http-server.testing';
import { Scene } from './run-proof.testing';
import { expectNear, PROSE, truthOf } from './run-truth.testing';

let stage: Stage;
let replica: Replica;
const servers: TestServer[] = [];

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));
afterAll(() => stage.close());

const invalid = (path: string) =>
  expect.objectContaining({ code: 'validation_failed', extras: { errors: [expect.objectContaining({ path })] } });

describe('a schema that is none', () => {
  const malformed = { type: 'object', properties: { city: { type: 'town' } } };

  it('is refused in a tool and in an agent, before any run', async () => {
    const scene = await Scene.open(stage, replica);
    const tool: CreateTool = {
      name: 'weather',
      description: 'The weather.',
      kind: 'http',
      config: { method: 'GET', url: 'http://127.0.0.1:1/' },
    };
    const create = (input_schema: Record<string, unknown>) =>
      scene.user.as(() => replica.tools.create({ ...tool, input_schema }));
    await expect(create(malformed)).rejects.toEqual(invalid('input_schema'));
    await expect(create({ type: 'string' })).rejects.toEqual(invalid('input_schema'));
    await expect(scene.update({ output_schema: malformed })).rejects.toEqual(invalid('output_schema'));
  });
});

describe('arguments that do not fit', () => {
  it.each([
    ['of the wrong type', '{"expression":7}', { expression: 7 }],
    ['that are not all there', '{}', {}],
    ['that are not known', '{"expression":"1","more":2}', { expression: '1', more: 2 }],
    ['that are no JSON', '{"expression":', '{"expression": delay=0'],
  ])('%s are told to the model, which goes on', async (_, args, kept) => {
    const scene = await Scene.open(stage, replica);
    await scene.addBuiltins('calculator');
    const { run, rows } = await scene.run(`Go on. [[tool=calculator:${args} delay=0]]`);
    expect(run.status).toBe('completed');
    expect(run.output).toContain('The tools answered: “{"error":"invalid_arguments"');
    expect(run.steps[0]?.tool_calls).toMatchObject([
      { status: 'failed', error_code: 'invalid_arguments', arguments: kept, started_at: null },
    ]);
    expect(rows).toMatchObject([{ error_code: null }, { error_code: null }]);
  });

  it.each(['anthropic', 'google', 'groq', 'ollama'] as const)('are told to the model of %s as well', async (kind) => {
    const scene = await Scene.open(stage, replica, { kind });
    await scene.addBuiltins('calculator');
    const { run } = await scene.run('Go on. [[tool=calculator:{"expression":["6*7"]} delay=0]]');
    expect(run.status).toBe('completed');
    expect(run.output).toContain('invalid_arguments');
  });
});

describe('a prompt of 400 kB', () => {
  const long = `${PROSE} `.repeat(Math.ceil(400_000 / PROSE.length)).slice(0, 400_000);

  it.each([
    ['as the provider tells', '', 0],
    ['by an estimate', 'usage=none', 0.05],
  ])('is answered, and accounted for %s', async (_, directive, tolerance) => {
    const scene = await Scene.open(stage, replica);
    const { run, rows } = await scene.run(`${long} [[delay=0 ${directive}]]`);
    expect(run.status).toBe('completed');
    const { prompt_tokens } = await lastCall();
    expect(prompt_tokens).toBeGreaterThan(50_000);
    expect(rows).toMatchObject([{ is_estimated: tolerance > 0, error_code: null }]);
    expectNear(rows[0]?.input_tokens, prompt_tokens, tolerance);
  });

  it.each(['openai', 'anthropic', 'google', 'groq', 'ollama'] as const)(
    'in 200 messages reaches %s whole, and in order',
    async (kind) => {
      const scene = await Scene.open(stage, replica, { kind });
      await scene.user.as(() => replica.agents.update({ id: scene.agent_id, context_tokens: 200_000 }));
      const mark = `History of ${kind}.`;
      const history = Array.from({ length: 199 }, (_, index) => ({
        role: index % 2 === 0 ? ('user' as const) : ('assistant' as const),
        content: `${index}: ${long.slice(0, 2000)}`,
      }));
      const messages = [...history.slice(0, -1), { role: 'user' as const, content: `${mark} [[delay=0]]` }];
      const run_id = v7();
      const order = { agent_id: scene.agent_id, conversation_id: v7(), run_id, messages };
      await scene.user.as(() => replica.starter.startFor(order));
      const { run, rows } = await scene.ended(run_id);
      expect(run).toMatchObject({ status: 'completed' });
      const truth = await truthOf(stage, mark);
      expect(truth.prompt_tokens).toBeGreaterThan(50_000);
      expect(rows).toMatchObject([{ input_tokens: truth.prompt_tokens, is_estimated: false }]);
      // The sandbox keeps the newest 100.
      expect(truth.messages.map(({ content }) => content.slice(0, 8))).toEqual(
        messages.slice(-100).map(({ content }) => content.slice(0, 8)),
      );
    },
  );

  const lastCall = async () => {
    const call = (await providerCalls(stage, '')).at(-1);
    if (!call) throw new Error('No call was made.');
    return call;
  };
});

describe('an MCP server', () => {
  type Answer = Parameters<typeof startServer>[0];
  const reply = (id: unknown, result: object) => json({ jsonrpc: '2.0', id, result });
  const hang: Answer = () => undefined;
  const page: Answer = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Hello</html>');
  const broken: Answer = (response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc"');
  const foreign: Answer = (response) => json({ jsonrpc: '2.0', id: 4711, result: {} })(response);
  const events: Answer = (response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"broken": tr\n\n');
  const endless: Answer = (response) => {
    const pump = (): void => void (response.destroyed || response.write(`: ${'x'.repeat(65_536)}\n\n`, pump));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    pump();
  };
  const schema = { type: 'object', properties: { a: { type: 'nonsense' } } };

  /** Speaks MCP but for what it answers to one method. */
  async function serve(method: string, answer: Answer, inputSchema: object = { type: 'object' }) {
    // What never ends is to meet its bound, however slow the machine is.
    const timeout_ms = answer === endless ? 20_000 : 300;
    const server = await startServer((response, request) => {
      if (request.method !== 'POST') return response.writeHead(405).end();
      const message = JSON.parse(request.body) as {
        id?: number;
        method: string;
        params?: { protocolVersion?: string };
      };
      if (message.id === undefined) return response.writeHead(202).end();
      if (message.method === method) return answer?.(response, request);
      if (message.method === 'tools/list')
        return reply(message.id, { tools: [{ name: 'ask', inputSchema }] })(response);
      const { protocolVersion } = message.params ?? {};
      const serverInfo = { name: 'spec', version: '1' };
      return reply(message.id, { protocolVersion, capabilities: { tools: {} }, serverInfo })(response);
    });
    servers.push(server);
    const scene = await Scene.open(stage, replica);
    const config = { url: `${server.url}/mcp`, timeout_ms };
    await scene.user.as(() => replica.tools.create({ name: 'crm', description: 'x', kind: 'mcp', config }));
    await scene.update({ tools: ['crm'] });
    return scene;
  }

  it.each([
    ['hangs', hang],
    ['answers with a page', page],
    ['answers with half of a document', broken],
    ['answers somebody else', foreign],
    ['streams what is no JSON', events],
    ['never ends', endless],
  ])('that %s instead of telling its tools is left out', async (_, answer) => {
    const scene = await serve('tools/list', answer);
    const mark = `Without ${v7()}`;
    const { run, rows } = await scene.run(`${mark} [[tool=crm_ask:{} delay=0]]`);
    expect(run).toMatchObject({ status: 'completed', steps: [{ tool_calls: [] }] });
    expect(rows).toHaveLength(1);
    expect((await truthOf(stage, mark)).tools).toEqual([]);
  });

  it.each([
    ['hangs', hang, 'timeout'],
    ['answers with a page', page, 'http_error'],
    ['answers with half of a document', broken, 'mcp_error'],
    ['answers somebody else', foreign, 'unreachable'],
    ['streams what is no JSON', events, 'mcp_error'],
    ['never ends', endless, 'unreachable'],
  ])('that %s when its tool is called fails the call, and the model goes on', async (_, answer, code) => {
    const scene = await serve('tools/call', answer);
    const { run, rows } = await scene.run('Go on. [[tool=crm_ask:{} delay=0]]');
    expect(run.status).toBe('completed');
    expect(run.steps[0]?.tool_calls).toMatchObject([{ tool_name: 'crm_ask', status: 'failed', error_code: code }]);
    expect(run.output).toContain(`The tools answered: “{"error":"${code}"`);
    expect(rows).toMatchObject([{ error_code: null }, { error_code: null }]);
  });

  it('that describes a tool by a malformed schema cannot have it called', async () => {
    const scene = await serve('none', hang, schema);
    const { run } = await scene.run('Go on. [[tool=crm_ask:{} delay=0]]');
    expect(run.status).toBe('completed');
    expect(run.steps[0]?.tool_calls).toMatchObject([{ status: 'failed', error_code: 'invalid_schema' }]);
  });
});
