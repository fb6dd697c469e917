import { adminCommand } from './support/admin';
import { asSuperuser } from './support/database';
import { sharedFleet } from './support/shared-fleet';
import { sandboxProvider } from './support/openai';
import { newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, adminEnv, adminDatabaseUrl, sandboxUrl } = sharedFleet();

const newTenantWith = (limits: Record<string, number>): Promise<TestTenant> =>
  newTenant(anonymous, (id) => adminCommand(adminEnv, 'tenant', 'limits', id, JSON.stringify(limits)));

const times = <T>(count: number, work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));

describe('what a tenant is refused because it has too much at once', () => {
  it('of requests is not in the database, what is accepted is there once, and a neighbour feels nothing', async () => {
    const [crowd, neighbour] = [await newTenantWith({ requests_in_flight: 4 }), await newTenant(anonymous)];
    const creating = times(600, async (n) => {
      const { status, body, headers } = await crowd.client.post('/v1/tasks', { title: `Task ${n}` });
      return { title: `Task ${n}`, status, code: body['code'], retry_after: headers.get('retry-after') };
    });
    const beside = await times(20, () => neighbour.client.get('/v1/tasks'));
    const outcomes = await creating;
    const accepted = outcomes.filter(({ status }) => status === 201);
    const refused = outcomes.filter(({ status }) => status !== 201);
    expect(accepted).not.toEqual([]);
    expect(refused).not.toEqual([]);
    for (const outcome of refused)
      expect(outcome).toMatchObject({ status: 429, code: 'too_many_requests_in_flight', retry_after: '1' });
    const rows = await asSuperuser<{ title: string }>(
      adminDatabaseUrl,
      'select title from tasks where tenant_id = $1 order by title',
      [crowd.tenant_id],
    );
    expect(rows.map(({ title }) => title)).toEqual(accepted.map(({ title }) => title).sort());
    expect(new Set(beside.map(({ status }) => status))).toEqual(new Set([200]));
  });

  it('of runs was never started, and the limits say what is left', async () => {
    const tenant = await newTenantWith({ active_runs: 2 });
    const agent = await newAgent(tenant, sandboxUrl);
    const start = () =>
      tenant.client.post(
        `/v1/agents/${agent}/runs`,
        { input: 'Take your time [[tokens=400 delay=50]]' },
        { headers: { prefer: 'respond-async' } },
      );
    const outcomes = await times(10, start);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([202, 202, ...Array.from({ length: 8 }, () => 429)]);
    const refusals = outcomes.filter(({ status }) => status === 429);
    expect(new Set(refusals.map(({ body }) => body['code']))).toEqual(new Set(['too_many_runs']));
    const runs = await asSuperuser(adminDatabaseUrl, 'select id from agent_runs where tenant_id = $1', [
      tenant.tenant_id,
    ]);
    expect(runs).toHaveLength(2);
    const { body } = await tenant.client.get('/v1/usage/limits');
    expect(body['data']).toContainEqual({
      scope: 'active_runs',
      limit: 2,
      window_seconds: null,
      remaining: 0,
      reset_at: null,
    });
  });

  it('of messages was never run, and what is accepted is run once', async () => {
    const tenant = await newTenantWith({ active_runs: 2 });
    const agent_id = await newAgent(tenant, sandboxUrl);
    const conversations = await times(8, async () => {
      const { body } = await tenant.client.post('/v1/conversations', { agent_id });
      return String(body['id']);
    });
    const content = 'Take your time [[tokens=60 delay=50]]';
    const outcomes = await Promise.all(
      conversations.map(async (id) => {
        const { status, body } = await tenant.client.post(`/v1/conversations/${id}/messages`, { content });
        return { id, outcome: status === 201 ? 'answered' : body['code'] };
      }),
    );
    const idsOf = (which: string) => outcomes.filter(({ outcome }) => outcome === which).map(({ id }) => id);
    expect(idsOf('answered').length).toBeGreaterThanOrEqual(2);
    expect(idsOf('too_many_runs')).not.toEqual([]);
    expect([...idsOf('answered'), ...idsOf('too_many_runs')].sort()).toEqual([...conversations].sort());
    const runs = await asSuperuser<{ conversation_id: string }>(
      adminDatabaseUrl,
      'select conversation_id from agent_runs where tenant_id = $1',
      [tenant.tenant_id],
    );
    expect(runs.map(({ conversation_id }) => conversation_id).sort()).toEqual(idsOf('answered').sort());
  });

  it('of streams was never asked of a provider', async () => {
    const tenant = await newTenantWith({ open_streams: 2 });
    await sandboxProvider(tenant, sandboxUrl, 'main');
    const messages = [{ role: 'user', content: 'Go on [[tokens=20 delay=50]]' }];
    const stream = async () => {
      const body = { model: 'main/sandbox-1', messages, stream: true };
      const response = await tenant.client.fetch('POST', '/v1/chat/completions', { body });
      return { status: response.status, text: await response.text() };
    };
    const outcomes = await times(6, stream);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([200, 200, 429, 429, 429, 429]);
    for (const { status, text } of outcomes)
      expect(text).toContain(status === 200 ? 'data: [DONE]' : 'too_many_streams');
    const calls = await asSuperuser(adminDatabaseUrl, 'select call_id from usage_records where tenant_id = $1', [
      tenant.tenant_id,
    ]);
    expect(calls.length).toBeLessThanOrEqual(2);
  });
});
