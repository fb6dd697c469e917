import { Client as Database } from 'pg';
import type { Json } from './support/client';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newTenant, type TestTenant } from './support/tenant';

const { anonymous, adminDatabaseUrl, sandboxUrl } = sharedFleet();
const CANARY = 'sk-canary-0f6a2c';

describe('the audit log', () => {
  let admin: Database;
  let tenant: TestTenant;
  let member: TestTenant;

  beforeAll(async () => {
    admin = new Database(adminDatabaseUrl);
    await admin.connect();
    [tenant, member] = [await newTenant(anonymous), await newMember()];
  });
  afterAll(() => admin.end());

  /** A user whose role is `member`, as it would be given by an admin. */
  async function newMember(): Promise<TestTenant> {
    const user = await newTenant(anonymous);
    await admin.query(`update users set role = 'member' where id = $1`, [user.user_id]);
    const { email, password } = user;
    const { body } = await anonymous.post('/v1/auth/login', { email, password });
    return { ...user, client: anonymous.withToken(body['access_token']) };
  }

  /** The newest entry of an action, once it is there. */
  const entry = (action: string): Promise<Json> =>
    eventually(async () => {
      const { body } = await tenant.client.get(`/v1/audit-logs?action=${action}&limit=1`);
      expect(body['data']).toHaveLength(1);
      return body['data'][0];
    });

  /** Entries of the member's refusals: they wait for the minute to end. */
  async function denials(): Promise<{ after: { count: number; minute: string } }[]> {
    const sql = `select to_jsonb(a) as entry from audit_logs a where tenant_id = $1 and action = 'access.denied' order by seq`;
    return (await admin.query<{ entry: Json }>(sql, [member.tenant_id])).rows.map((row) => row.entry);
  }

  it('tells who changed what, from where, and no secret', async () => {
    const { client, user_id } = tenant;
    const asked = { headers: { 'x-request-id': 'audited-request' } };
    const main = { name: 'main', kind: 'openai', base_url: `${sandboxUrl}/v1`, settings: { max_retries: 1 } };
    expect(await client.post('/v1/providers', { ...main, settings: { api_key: CANARY } })).toMatchObject({
      status: 400,
    });
    const provider = await client.post('/v1/providers', main, asked);
    const provider_id = provider.body['id'];
    await client.put(`/v1/providers/${provider_id}/credentials`, { api_key: CANARY });
    const fields = { name: 'Helper', slug: 'helper', system_prompt: 'You help.', model: 'sandbox-1', provider_id };
    const agent = await client.post('/v1/agents', fields);
    await client.patch(`/v1/agents/${agent.body['id']}`, { model: 'sandbox-2' });
    const webhook = await client.post('/v1/webhooks', { url: 'http://127.0.0.1:9/in', events: ['task.created'] });
    const url = `http://127.0.0.1:9/moved?token=${CANARY}`;
    await client.patch(`/v1/webhooks/${webhook.body['id']}`, { url });

    const by = { actor_type: 'user', actor_id: user_id, ip: expect.stringMatching(/127\.0\.0\.1$/) };
    expect(await entry('provider.created')).toMatchObject({
      ...by,
      target_type: 'provider',
      target_id: provider_id,
      request_id: 'audited-request',
      before: null,
      after: main,
    });
    expect(await entry('provider.credentials_stored')).toMatchObject({ ...by, target_id: provider_id });
    expect(await entry('agent.updated')).toMatchObject({
      ...by,
      target_id: agent.body['id'],
      before: { model: 'sandbox-1', version: 1 },
      after: { model: 'sandbox-2', version: 2 },
    });
    expect(await entry('webhook.updated')).toMatchObject({
      ...by,
      target_id: webhook.body['id'],
      before: { url: 'http://127.0.0.1:9/in' },
      after: { url: 'http://127.0.0.1:9/moved' },
    });
    const { rows } = await admin.query<{ text: string }>(
      'select (select json_agg(a)::text from audit_logs a) || (select coalesce(json_agg(o)::text, $1) from outbox o) as text',
      [''],
    );
    expect(rows[0]?.text).not.toContain(CANARY);
    expect(rows[0]?.text).not.toContain(webhook.body['secret']);
  });

  it('is whole, and says where it is not', async () => {
    const { client, tenant_id } = tenant;
    const intact = await client.get('/v1/audit-logs/verify');
    expect(intact).toMatchObject({ status: 200, body: { is_intact: true, next_after: null, broken: null } });
    expect(intact.body['checked']).toBeGreaterThanOrEqual(6);
    const { rows } = await admin.query<{ id: string }>(
      `update audit_logs set actor_id = 'nobody' where tenant_id = $1 and seq = 3 returning id`,
      [tenant_id],
    );
    const { body } = await client.get('/v1/audit-logs/verify');
    expect(body).toMatchObject({ is_intact: false, broken: { seq: 3, id: rows[0]?.id, reason: 'edited' } });
    expect(await client.get('/v1/audit-logs/verify?after=1000000')).toMatchObject({ status: 400 });
  });

  it('is not shown to members, and counts what they are refused as one entry a minute', async () => {
    for (let n = 0; n < 6; n += 1) {
      expect(await member.client.get('/v1/audit-logs')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    const told = await eventually(async () => {
      const found = await denials();
      expect(found.reduce((sum, { after }) => sum + after.count, 0)).toBe(6);
      return found;
    }, 100);
    expect(told[0]).toMatchObject({
      actor_type: 'user',
      actor_id: member.user_id,
      target_type: 'route',
      target_id: 'GET /v1/audit-logs',
      after: { route: 'GET /v1/audit-logs', access: 'audit_logs:read' },
      request_id: null,
    });
    // One, unless the clock went on to the next minute between the requests.
    expect(told).toHaveLength(new Set(told.map(({ after }) => after.minute)).size);
    expect(told.length).toBeLessThanOrEqual(2);
  });
});
