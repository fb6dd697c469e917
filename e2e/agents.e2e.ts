import type { Client, Json } from './support/client';
import { allEvents, readEvents } from './support/events';
import { sandboxCall } from './support/sandbox';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant, newTenantOn, type TestTenant } from './support/tenant';
import { sandboxBaseUrl, type SandboxKind } from '../scripts/sandbox/base-url';

const { anonymous, sandboxUrl } = sharedFleet();

const sum = '[[tool=calculator:{"expression":"6*7"}]]';
const fitting = {
  type: 'object',
  properties: { city: { type: 'string' }, degrees: { type: 'integer' } },
  required: ['city', 'degrees'],
  additionalProperties: false,
};

describe('an agent', () => {
  let tenant: TestTenant;
  let client: Client;

  beforeEach(async () => {
    tenant = await newTenant(anonymous);
    client = tenant.client;
  });

  async function newProvider(name: string, kind: SandboxKind, settings: object = {}): Promise<string> {
    const fields = { name, kind, base_url: sandboxBaseUrl(kind, sandboxUrl), settings };
    const { body } = await client.post('/v1/providers', fields);
    expect(await client.put(`/v1/providers/${body['id']}/credentials`, { api_key: 'sk-sandbox' })).toMatchObject({
      status: 204,
    });
    return body['id'];
  }

  /** One that repeats what it is told, with a change. */
  async function agentWith(change: object): Promise<string> {
    const agent = await newAgent(tenant, sandboxUrl);
    await client.post('/v1/tools', { name: 'calculator', kind: 'builtin', config: { builtin: 'calculator' } });
    expect(await client.patch(`/v1/agents/${agent}`, change)).toMatchObject({ status: 200, body: change });
    return agent;
  }

  it('is made of all that it can have, and runs so', async () => {
    const down = await newProvider('down', 'openai', { max_retries: 0 });
    const wrong = await newProvider('wrong', 'groq', { max_retries: 0 });
    await client.put(`/v1/providers/${wrong}/credentials`, { api_key: 'sk-sandbox-invalid' });
    const good = await newProvider('good', 'anthropic');
    for (const builtin of ['calculator', 'current_time'])
      await client.post('/v1/tools', { name: builtin, kind: 'builtin', config: { builtin } });
    const fields = {
      ...{ name: 'Helper', slug: 'helper', description: 'Helps.', provider_id: down, model: 'sandbox-1 [[fail=500]]' },
      system_prompt: 'You help {{customer}} in {{language}}. {{unknown}} stays.',
      variables: { customer: null, language: 'English' },
      fallbacks: [
        { provider_id: wrong, model: 'sandbox-1' },
        { provider_id: good, model: 'sandbox-1' },
      ],
      ...{ tools: ['calculator', 'current_time'], output_schema: fitting, max_steps: 3, temperature: 0.5 },
      ...{ parameters: { seed: 7, parallel_tool_calls: true }, max_output_tokens: 500, max_cost_micro_usd: 1_000_000 },
    };
    const agent = await client.post('/v1/agents', fields);
    expect(agent).toMatchObject({ status: 201, body: { ...fields, version: 1, is_active: true } });

    const input = `For you ${agent.body['id']} [[delay=0 tool=calculator:{"expression":"6*7"} tool=current_time:{}]]`;
    const run = await client.post(`/v1/agents/${agent.body['id']}/runs`, { input, variables: { customer: 'Ada' } });
    expect(run).toMatchObject({ status: 200, body: { status: 'completed', agent_version: 1, error_code: null } });
    expect(JSON.parse(run.body['output'])).toEqual({ city: 'sandbox', degrees: 0 });

    const { messages } = await sandboxCall(sandboxUrl, `For you ${agent.body['id']}`);
    expect(messages[0]).toEqual({
      role: 'system',
      content: 'You help Ada in English. {{unknown}} stays.',
    });
    const { steps } = (await client.get(`/v1/runs/${run.body['id']}`)).body;
    const attempts = [
      { provider_id: down, error_code: 'unavailable' },
      { provider_id: wrong, error_code: 'auth' },
      { provider_id: good, error_code: null },
    ];
    expect(steps).toMatchObject([
      {
        step: 1,
        attempts,
        tool_calls: [{ status: 'completed', result: { value: 42 } }, { tool_name: 'current_time' }],
      },
      { step: 2, attempts, output: run.body['output'], tool_calls: [] },
    ]);
    const calls = (steps as { attempts: { call_id: string }[] }[]).flatMap((step) =>
      step.attempts.map(({ call_id }) => call_id),
    );
    const { body: records } = await client.get(`/v1/usage/records?run_id=${run.body['id']}`);
    expect(records['data'].map(({ call_id }: Json) => call_id).sort()).toEqual(calls.sort());
  });

  it.each([
    ['that is missing', {}],
    ['that it does not have', { customer: 'Ada', colour: 'red' }],
    ['that is no text', { customer: 7 }],
  ])('refuses a run with a variable %s', async (_, variables) => {
    const agent = await agentWith({ system_prompt: 'You help {{customer}}.', variables: { customer: null } });
    const refused = await client.post(`/v1/agents/${agent}/runs`, { input: 'Hello', variables });
    const errors = [{ path: expect.stringMatching(/^variables\./), message: expect.any(String) }];
    expect(refused).toMatchObject({ status: 400, body: { code: 'validation_failed', errors } });
    expect((await client.get(`/v1/agents/${agent}/runs`)).body['data']).toEqual([]);
  });

  it('stops at its step limit, its work kept', async () => {
    const agent = await agentWith({ tools: ['calculator'], max_steps: 1 });
    const { body } = await client.post(`/v1/agents/${agent}/runs`, { input: sum });
    expect(body).toMatchObject({ status: 'failed', error_code: 'step_limit' });
    const { steps } = (await client.get(`/v1/runs/${body['id']}`)).body;
    expect(steps).toMatchObject([{ step: 1, tool_calls: [{ status: 'completed', result: { value: 42 } }] }]);
  });

  it('tells of its tools as it streams, and goes on after any event', async () => {
    const agent = await agentWith({ tools: ['calculator'] });
    const body = { input: sum, stream: true };
    const events = await allEvents(await client.fetch('POST', `/v1/agents/${agent}/runs`, { body }));
    const types = events.map(({ type }) => type).filter((type) => type !== 'token');
    expect(types).toEqual(['run.started', 'usage', 'tool.call', 'tool.result', 'usage', 'run.completed']);
    const call = events.find(({ type }) => type === 'tool.call')?.data;
    expect(call).toMatchObject({ name: 'calculator', arguments: { expression: '6*7' } });
    const result = events.find(({ type }) => type === 'tool.result')?.data;
    expect(result).toMatchObject({ id: call?.['id'], status: 'completed', result: { value: 42 } });
    expect(events.at(-1)?.data['output']).toContain('{"value":42}');
    const path = `/v1/runs/${events[0]?.data['run_id']}/events`;
    for (const { id } of events.filter(({ type }) => type.startsWith('tool.'))) {
      const rest = await client.fetch('GET', path, { headers: { 'last-event-id': String(id) } });
      expect(await allEvents(rest)).toEqual(events.slice(id));
    }
  });

  it('is run by whoever may start runs, and is shown the answer without leave to read others', async () => {
    const agent = await agentWith({ tools: ['calculator'] });
    const { body } = await client.post('/v1/api-keys', { name: 'starter', scopes: ['runs:create'] });
    const starter = anonymous.withToken(body['key']);
    const run = await starter.post(`/v1/agents/${agent}/runs`, { input: sum });
    expect(run).toMatchObject({ status: 200, body: { status: 'completed', output: expect.stringContaining('42') } });
    expect((await starter.get(`/v1/runs/${run.body['id']}`)).status).toBe(403);
  });

  it('has as many active runs as the plan allows, and one more when one of them ends', async () => {
    tenant = await newTenantOn('free', anonymous);
    client = tenant.client;
    const agent = await agentWith({});
    const start = () =>
      client.post(`/v1/agents/${agent}/runs`, { input: '[[hang]]' }, { headers: { prefer: 'respond-async' } });
    const runs = await Promise.all(Array.from({ length: 6 }, start));
    expect(runs.map(({ status }) => status).sort()).toEqual([202, 202, 202, 202, 202, 429]);
    const refused = runs.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({ code: 'too_many_runs' });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    const cancel = (id: string) => client.post(`/v1/runs/${id}/cancel`);
    const [first, ...others] = runs.filter(({ status }) => status === 202).map(({ body }) => body['id'] as string);
    expect((await cancel(first ?? '')).body).toMatchObject({ status: 'cancelled' });
    const another = await start();
    expect(another.status).toBe(202);
    await Promise.all([...others, another.body['id']].map(cancel));
  });

  it('answers at once with `Prefer: respond-async`, and is watched from its start', async () => {
    const agent = await agentWith({ tools: ['calculator'] });
    const headers = { prefer: 'respond-async' };
    const run = await client.post(`/v1/agents/${agent}/runs`, { input: sum, metadata: { ticket: 7 } }, { headers });
    expect(run).toMatchObject({ status: 202, body: { output: null, metadata: { ticket: 7 } } });
    expect(run.headers.get('location')).toBe(`/v1/runs/${run.body['id']}`);
    const types: string[] = [];
    for await (const { type } of readEvents(await client.fetch('GET', `/v1/runs/${run.body['id']}/events`)))
      types.push(type);
    expect([types[0], types.at(-1)]).toEqual(['run.started', 'run.completed']);
  });
});
