import { allEvents } from './support/events';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant } from './support/tenant';

const { anonymous, sandboxUrl } = sharedFleet();

describe('the main job', () => {
  it('signs up, makes an agent, streams its answer and shows what it cost', async () => {
    const tenant = await newTenant(anonymous);
    const { client } = tenant;

    const me = await client.get('/v1/auth/me');
    expect(me.body).toMatchObject({
      user: { id: tenant.user_id, email: tenant.email, role: 'admin' },
      tenant: { id: tenant.tenant_id },
      permissions: ['*:*'],
    });

    const agent = await newAgent(tenant, sandboxUrl);
    const response = await client.fetch('POST', `/v1/agents/${agent}/runs`, {
      body: { input: 'Say hello to the world', stream: true, metadata: { ticket: 7 } },
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = await allEvents(response);
    const text = events.filter(({ type }) => type === 'token').map(({ data }) => data['text'] as string);
    const usage = events.find(({ type }) => type === 'usage')?.data;
    const end = events.at(-1);

    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events[0]).toMatchObject({ type: 'run.started', data: { agent_id: agent } });
    expect(text.length).toBeGreaterThan(1);
    expect(end).toMatchObject({ type: 'run.completed', data: { output: text.join('') } });
    expect(text.join('')).toContain('Say hello to the world');
    expect(usage).toMatchObject({ is_estimated: false });
    expect(usage?.['input_tokens']).toBeGreaterThan(0);
    expect(usage?.['output_tokens']).toBeGreaterThan(0);
    expect(usage?.['cost_micro_usd']).toBeGreaterThan(0);

    const runId = events[0]?.data['run_id'] as string;
    const run = await client.get(`/v1/runs/${runId}`);
    expect(run.body).toMatchObject({ status: 'completed', output: text.join(''), metadata: { ticket: 7 }, usage });

    const summary = await client.get('/v1/usage/summary?group_by=agent');
    expect(summary.body['totals']).toMatchObject({ calls: 1, cost_micro_usd: usage?.['cost_micro_usd'] });
    expect(summary.body['groups']).toMatchObject([{ key: agent, calls: 1 }]);
    const records = await client.get('/v1/usage/records');
    expect(records.body['data']).toMatchObject([{ run_id: runId, status: 'closed', user_id: tenant.user_id }]);
  });

  it('answers the finished run without `stream`, and 202 with `Prefer: respond-async`', async () => {
    const tenant = await newTenant(anonymous);
    const agent = await newAgent(tenant, sandboxUrl);
    const finished = await tenant.client.post(`/v1/agents/${agent}/runs`, { input: 'One two three' });
    expect(finished).toMatchObject({ status: 200, body: { status: 'completed', input: 'One two three' } });

    const started = await tenant.client.post(
      `/v1/agents/${agent}/runs`,
      { input: 'Later' },
      { headers: { prefer: 'respond-async' } },
    );
    expect(started.status).toBe(202);
    const events = await allEvents(await tenant.client.fetch('GET', `/v1/runs/${started.body['id']}/events`));
    expect(events.at(-1)?.type).toBe('run.completed');
    const runs = await tenant.client.get(`/v1/agents/${agent}/runs`);
    expect(runs.body['data'].map(({ id }: { id: string }) => id)).toEqual([started.body['id'], finished.body['id']]);
  });

  it('starts one run for one Idempotency-Key', async () => {
    const tenant = await newTenant(anonymous);
    const agent = await newAgent(tenant, sandboxUrl);
    const start = () =>
      tenant.client.post(`/v1/agents/${agent}/runs`, { input: 'Once' }, { headers: { 'idempotency-key': 'one' } });
    const first = await start();
    const second = await start();
    expect(second.body['id']).toBe(first.body['id']);
    expect((await tenant.client.get('/v1/usage/records')).body['data']).toHaveLength(1);
  });

  it('keeps credentials write-only', async () => {
    const { client } = await newTenant(anonymous);
    const provider = await client.post('/v1/providers', { name: 'mine', kind: 'openai' });
    expect(provider).toMatchObject({ status: 201, body: { has_credentials: false } });
    const secret = 'sk-do-not-show-me';
    await client.put(`/v1/providers/${provider.body['id']}/credentials`, { api_key: secret });
    const shown = await client.get(`/v1/providers/${provider.body['id']}`);
    expect(shown.body['has_credentials']).toBe(true);
    expect(JSON.stringify(shown.body)).not.toContain(secret);
  });
});
