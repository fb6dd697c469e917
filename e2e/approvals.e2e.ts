import { randomUUID } from 'node:crypto';
import type { Client } from './support/client';
import { allEvents, readEvents, type StreamEvent } from './support/events';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl } = sharedFleet();

const input = '[[tool=calculator:{"expression":"6*7"} tool=current_time:{}]]';

describe('a run that needs approval', () => {
  let tenant: TestTenant;
  let client: Client;
  let agent: string;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    client = tenant.client;
    agent = await newAgent(tenant, sandboxUrl);
    const tool = (builtin: string, requires_approval: boolean) =>
      client.post('/v1/tools', { name: builtin, kind: 'builtin', config: { builtin }, requires_approval });
    expect(await tool('calculator', true)).toMatchObject({ status: 201, body: { requires_approval: true } });
    await tool('current_time', false);
    await client.patch(`/v1/agents/${agent}`, { tools: ['calculator', 'current_time'] });
  });

  const start = () => client.post(`/v1/agents/${agent}/runs`, { input });
  const read = async (id: string) => (await client.get(`/v1/runs/${id}`)).body;

  /** A run that waits, and its call that does. */
  async function waiting() {
    const run = await start();
    expect(run).toMatchObject({ status: 202, body: { status: 'waiting_approval', output: null } });
    const id = run.body['id'] as string;
    expect(run.headers.get('location')).toBe(`/v1/runs/${id}`);
    const { steps } = await read(id);
    expect(steps).toMatchObject([
      { tool_calls: [{ status: 'waiting_approval', result: null, decided_by: null }, { status: 'completed' }] },
    ]);
    return { id, call: steps[0].tool_calls[0].tool_call_id as string };
  }

  const decide = (by: Client, id: string, call: string, decision = 'approve') =>
    by.post(`/v1/runs/${id}/tool-calls/${call}/approval`, { decision });

  /** The events after `after`, up to the first that asks for approval, then the connection is cut. */
  async function readToPause(id: string, after = 0): Promise<StreamEvent[]> {
    const cut = new AbortController();
    const headers = { 'last-event-id': String(after) };
    const seen: StreamEvent[] = [];
    const response = await client.fetch('GET', `/v1/runs/${id}/events`, { headers, signal: cut.signal });
    for await (const event of readEvents(response)) {
      seen.push(event);
      if (event.type === 'approval.required') break;
    }
    cut.abort();
    return seen;
  }

  it('waits, is watched over the pause, and goes on once somebody says so who may', async () => {
    const { id, call } = await waiting();
    const before = await readToPause(id);
    expect(before.at(-1)?.data).toEqual({ id: call, name: 'calculator', arguments: { expression: '6*7' } });
    const path = `/v1/runs/${id}/events`;
    const headers = { 'last-event-id': String(before.at(-1)?.id) };
    const rest = allEvents(await client.at(gateways[1]).fetch('GET', path, { headers }));

    await client.post('/v1/roles', { name: 'approver', permissions: ['runs:update', 'runs:approve_any'] });
    const approver = await colleague(tenant, 'approver');
    expect(await decide(approver, id, call)).toMatchObject({ status: 200, body: { id } });
    const uncut = await allEvents(await client.fetch('GET', path));
    expect([...before, ...(await rest)]).toEqual(uncut);
    expect(uncut.map((event) => event.id)).toEqual(uncut.map((_, index) => index + 1));
    const end = uncut.at(-1);
    expect(end).toMatchObject({ type: 'run.completed', data: { output: expect.stringContaining('{"value":42}') } });

    const decided_by = (await approver.get('/v1/auth/me')).body['user'].id as string;
    expect(await read(id)).toMatchObject({
      status: 'completed',
      steps: [
        { tool_calls: [{ status: 'completed', result: { value: 42 }, decided_by }, { decided_by: null }] },
        { step: 2, output: end?.data['output'], attempts: [{ error_code: null }] },
      ],
    });
  });

  it('is decided on by nobody who may not, and of nothing that is not there', async () => {
    const { id, call } = await waiting();
    const stranger = (await newTenant(anonymous)).client;
    const { body } = await client.post('/v1/api-keys', { name: 'reader', scopes: ['runs:read', 'runs:create'] });
    const refusals: [Client, string, string, number][] = [
      [await colleague(tenant, 'viewer'), id, call, 403],
      [await colleague(tenant, 'member'), id, call, 404],
      [anonymous.withToken(body['key']), id, call, 403],
      [anonymous, id, call, 401],
      [stranger, id, call, 404],
      [client, randomUUID(), call, 404],
      [client, id, 'call_that_is_not', 404],
    ];
    for (const [by, run, of, status] of refusals) expect((await decide(by, run, of)).status).toBe(status);
    for (const decision of ['maybe', null, ['approve']])
      expect(await client.post(`/v1/runs/${id}/tool-calls/${call}/approval`, { decision })).toMatchObject({
        status: 400,
        body: { code: 'validation_failed' },
      });
    expect(await read(id)).toMatchObject({ status: 'waiting_approval', output: null });
    await client.post(`/v1/runs/${id}/cancel`);
  });

  it('goes on without the call that was rejected, which the model is told', async () => {
    const { id, call } = await waiting();
    await decide(client, id, call, 'reject');
    const end = (await allEvents(await client.fetch('GET', `/v1/runs/${id}/events`))).at(-1);
    expect(end).toMatchObject({ type: 'run.completed', data: { output: expect.stringContaining('refused') } });
    expect((await read(id)).steps[0].tool_calls[0]).toMatchObject({
      ...{ status: 'rejected', error_code: 'rejected', result: null, started_at: null },
      decided_by: tenant.user_id,
    });
  });

  it('is decided on once, by whoever is first', async () => {
    const { id, call } = await waiting();
    const decisions = ['approve', 'reject', 'approve', 'reject'];
    const answers = await Promise.all(decisions.map((decision) => decide(client, id, call, decision)));
    const [won = ''] = decisions.filter((_, index) => answers[index]?.status === 200);
    const expected = decisions.map((decision) => (decision === won ? 200 : 409));
    expect(answers.map(({ status }) => status)).toEqual(expected);
    await allEvents(await client.fetch('GET', `/v1/runs/${id}/events`));
    const { status, steps } = await read(id);
    expect([status, steps[0].tool_calls[0].status]).toEqual([
      'completed',
      won === 'approve' ? 'completed' : 'rejected',
    ]);
  });

  it('can be cancelled instead', async () => {
    const { id, call } = await waiting();
    expect(await client.post(`/v1/runs/${id}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    const events = await allEvents(await client.fetch('GET', `/v1/runs/${id}/events`));
    expect(events.at(-1)?.type).toBe('run.cancelled');
    await decide(client, id, call);
    expect(await read(id)).toMatchObject({ status: 'cancelled', steps: [{ tool_calls: [{ result: null }, {}] }] });
  });
});
