import type { Client, Json } from './support/client';
import { allEvents } from './support/events';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, sandboxUrl } = sharedFleet();

const builtins = ['create_task', 'search_tasks', 'update_task'];
const script = (...calls: [string, object][]) =>
  `[[delay=0 ${calls.map(([tool, args]) => `tool=${tool}:${JSON.stringify(args)}`).join(' step ')}]]`;

describe('an agent that works on tasks', () => {
  let tenant: TestTenant;
  let client: Client;
  let agent: string;

  beforeEach(async () => {
    tenant = await newTenant(anonymous);
    client = tenant.client;
    agent = await newAgent(tenant, sandboxUrl);
    for (const builtin of builtins)
      await client.post('/v1/tools', { name: builtin, kind: 'builtin', config: { builtin } });
    await client.patch(`/v1/agents/${agent}`, { tools: builtins });
  });

  const start = (by: Client, input: string, headers = {}) =>
    by.post(`/v1/agents/${agent}/runs`, { input }, { headers });
  const tasks = async () => (await client.get('/v1/tasks')).body['data'] as Json[];

  /** The tool calls of a run, step by step. */
  async function callsOf(id: string): Promise<Json[]> {
    const { steps } = (await client.get(`/v1/runs/${id}`)).body;
    return (steps as Json[]).flatMap(({ tool_calls }) => tool_calls as Json[]);
  }

  it('creates, finds and changes them as its user, who finds them so', async () => {
    const member = await colleague(tenant, 'member');
    const { user } = (await member.get('/v1/auth/me')).body;
    const draft = { title: 'Call Ada', priority: 'high', labels: ['sales'] };
    const first = await start(member, script(['create_task', draft], ['search_tasks', { label: 'sales' }]));
    expect(first).toMatchObject({ status: 200, body: { status: 'completed', error_code: null } });
    const [task] = await tasks();
    expect(task).toMatchObject({ ...draft, created_by: user.id });
    const [created, found] = await callsOf(first.body['id']);
    expect(created).toMatchObject({ status: 'completed', result: { id: task?.['id'] } });
    expect(found).toMatchObject({ status: 'completed', result: { data: [{ id: task?.['id'] }] } });

    const change = { id: task?.['id'], status: 'done', due_at: '2031-05-01T08:00:00.000Z' };
    const second = await start(member, script(['update_task', change]));
    expect(await callsOf(second.body['id'])).toMatchObject([{ status: 'completed', result: change }]);
    expect(await tasks()).toMatchObject([{ ...draft, ...change }]);
  });

  it('may do no more than its user', async () => {
    await client.post('/v1/roles', { name: 'runner', permissions: ['runs:create', 'runs:read', 'tasks:read'] });
    const { body } = await client.post('/v1/api-keys', { name: 'runner', scopes: ['runs:create', 'tasks:read'] });
    const script1 = script(['create_task', { title: 'Not theirs' }], ['search_tasks', {}]);
    for (const by of [await colleague(tenant, 'runner'), anonymous.withToken(body['key'])]) {
      const run = await start(by, script1);
      expect(run).toMatchObject({ status: 200, body: { status: 'completed' } });
      expect(await callsOf(run.body['id'])).toMatchObject([
        { tool_name: 'create_task', status: 'failed', error_code: 'forbidden', result: null },
        { tool_name: 'search_tasks', status: 'completed', result: { data: [] } },
      ]);
    }
    expect(await tasks()).toEqual([]);
  });

  it("does not reach another tenant's tasks", async () => {
    const foreign = (await newTenant(anonymous)).client;
    const { body: task } = await foreign.post('/v1/tasks', { title: 'Theirs' });
    const run = await start(client, script(['update_task', { id: task['id'], title: 'Ours' }], ['search_tasks', {}]));
    expect(await callsOf(run.body['id'])).toMatchObject([
      { status: 'failed', error_code: 'not_found' },
      { status: 'completed', result: { data: [] } },
    ]);
    expect((await foreign.get(`/v1/tasks/${task['id']}`)).body).toMatchObject({ title: 'Theirs' });
  });

  it('loses with its user what that one may no longer do, though an admin approves', async () => {
    await client.patch(`/v1/agents/${agent}`, { requires_approval: true });
    const member = await colleague(tenant, 'member');
    const { user } = (await member.get('/v1/auth/me')).body;
    const run = await start(member, script(['create_task', { title: 'Too late' }]));
    expect(run).toMatchObject({ status: 202, body: { status: 'waiting_approval' } });
    const id = run.body['id'] as string;
    expect(await client.patch(`/v1/users/${user.id}`, { role: 'viewer' })).toMatchObject({ status: 200 });
    const [call] = await callsOf(id);
    await client.post(`/v1/runs/${id}/tool-calls/${call?.['tool_call_id']}/approval`, { decision: 'approve' });
    await allEvents(await client.fetch('GET', `/v1/runs/${id}/events`));
    const decided = { status: 'failed', error_code: 'forbidden', decided_by: tenant.user_id };
    expect(await callsOf(id)).toMatchObject([decided]);
    expect(await tasks()).toEqual([]);
  });

  it('is told what is wrong with its arguments, and nothing is done', async () => {
    const run = await start(
      client,
      script(
        ['create_task', { titel: 'Misspelt' }],
        ['create_task', { title: '' }],
        ['create_task', { title: 'Right' }],
      ),
    );
    expect(run.body).toMatchObject({ status: 'completed', output: expect.stringContaining('title') });
    expect(await callsOf(run.body['id'])).toMatchObject([
      { status: 'failed', error_code: 'invalid_arguments', started_at: null },
      { status: 'failed', error_code: 'invalid_arguments', started_at: null },
      { status: 'completed' },
    ]);
    expect(await tasks()).toMatchObject([{ title: 'Right' }]);
  });
});
