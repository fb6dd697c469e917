import { randomUUID } from 'node:crypto';
import { publicMethods, type BoundMethod, type PublicMethod } from '@taai/contracts';
import type { Answer } from './support/client';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import { formOf } from './support/files';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, adminDatabaseUrl, sandboxUrl } = sharedFleet();

const CALLS = 20;

/** What a method is called with, and where its effect shows. */
interface Fixture {
  /** Where each call makes one row. */
  table: string;
  /** Of the route. */
  id?: string;
  body?: object;
  /** The body, where it is a form. */
  form?: (change?: object) => FormData;
  /** What makes it another request; absent where there is nothing to say. */
  change?: object;
  /** What the repetition of a success is answered, where it cannot be shown again. */
  repeated?: string;
}

const keyed = publicMethods.filter(({ method }) => method.effect === 'once_per_key');

/** For each method that is once per key. */
async function fixtures(tenant: TestTenant): Promise<Record<string, Fixture>> {
  const agent = await newAgent(tenant, sandboxUrl);
  const conversation = await tenant.client.post('/v1/conversations', { agent_id: agent });
  const said = await tenant.client.post(`/v1/conversations/${conversation.body['id']}/messages`, { content: 'Hello' });
  const prompt = { name: 'Helper', slug: 'helper', system_prompt: '', model: 'sandbox-1' };
  const tool = { name: 'lookup', kind: 'http', description: 'Looks up.', input_schema: { type: 'object' } };
  const config = { method: 'GET', url: 'https://example.com/tool' };
  const webhook = { url: 'https://example.com/hook', events: ['task.created'] };
  return {
    'auth.api_key.create': {
      table: 'api_keys',
      body: { name: 'CI', scopes: ['tasks:read'] },
      change: { name: 'Other' },
      repeated: 'conflict',
    },
    'auth.role.create': {
      table: 'roles',
      body: { name: 'staff', permissions: ['tasks:read'] },
      change: { name: 'other' },
    },
    'auth.tenant.startExport': { table: 'jobs' },
    'auth.user.invite': {
      table: 'users',
      body: { email: `${randomUUID()}@example.com`, role: 'member' },
      change: { role: 'viewer' },
    },
    'chat.conversation.create': { table: 'conversations', body: { agent_id: agent }, change: { title: 'Other' } },
    'chat.conversation.fork': {
      table: 'conversations',
      id: conversation.body.id,
      body: { message_id: said.body['message'].id },
      change: { message_id: said.body['reply'].id },
    },
    'chat.share.create': {
      table: 'conversation_shares',
      id: conversation.body.id,
      body: {},
      change: { expires_at: '2999-01-01T00:00:00Z' },
      repeated: 'conflict',
    },
    'chat.message.regenerate': { table: 'message_regenerations', id: said.body['message'].id },
    'chat.file.create': {
      table: 'files',
      form: (change) => formOf(change ? 'Other' : 'Hello', 'hello.txt'),
      change: {},
    },
    'chat.message.send': {
      table: 'messages',
      id: conversation.body.id,
      body: { content: 'Hello' },
      change: { content: 'Other' },
    },
    'orchestrator.agent.create': { table: 'agents', body: prompt, change: { name: 'Other' } },
    'orchestrator.provider.create': {
      table: 'providers',
      body: { name: 'main', kind: 'openai' },
      change: { name: 'other' },
    },
    'orchestrator.run.start': { table: 'agent_runs', id: agent, body: { input: 'Hello' }, change: { input: 'Other' } },
    'orchestrator.tool.create': { table: 'tools', body: { ...tool, config }, change: { name: 'other' } },
    'task.create': { table: 'tasks', body: { title: 'Call Ada' }, change: { title: 'Call Bob' } },
    'webhook.create': { table: 'webhooks', body: webhook, change: { events: ['task.updated'] } },
  };
}

describe.each(keyed.map((bound) => [bound.rpc, bound] as const))('%s', (rpc, bound) => {
  let tenant: TestTenant;
  let fixture: Fixture;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    const found = (await fixtures(tenant))[rpc];
    if (!found) throw new Error(`There is no fixture for ${rpc}: say what it is called with.`);
    fixture = found;
  });

  /** Answers of messages and runs come at once: what they lead to is not theirs. */
  const post = (key: string, change?: object) =>
    tenant.client.post(
      pathOf(bound, fixture),
      fixture.form?.(change) ?? (fixture.body && { ...fixture.body, ...change }),
      {
        headers: { 'idempotency-key': key, prefer: 'respond-async' },
      },
    );

  /** The answer of one call: while another is under way, it is asked again. */
  const answered = (key: string): Promise<Answer> =>
    eventually(async () => {
      const answer = await post(key);
      if (answer.body?.code === 'idempotency_in_flight') throw new Error('It is in flight.');
      return answer;
    });

  async function count(): Promise<number> {
    const role = fixture.table === 'messages' ? `and role = 'user'` : '';
    const sql = `select count(*)::integer as rows from ${fixture.table} where tenant_id = $1 ${role}`;
    const [found] = await asSuperuser<{ rows: number }>(adminDatabaseUrl, sql, [tenant.tenant_id]);
    return found?.rows ?? 0;
  }

  it(`answers ${CALLS} calls with one key alike, and does what they ask for once`, async () => {
    const before = await count();
    const answers = await Promise.all(Array.from({ length: CALLS }, () => answered('key')));
    const successes = answers.filter(({ status }) => status < 300);
    const others = answers.filter(({ status }) => status >= 300).map(({ body }) => body.code as string);
    expect(new Set(successes.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    expect([successes.length, ...new Set(others)]).toEqual(fixture.repeated ? [1, fixture.repeated] : [CALLS]);
    expect(await count()).toBe(before + 1);
  });

  it('refuses the key for another request', async () => {
    if (!fixture.change) return expect(fixture.body).toBeUndefined();
    const before = await count();
    expect(await post('key', fixture.change)).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    expect(await count()).toBe(before);
  });
});

const pathOf = ({ method }: BoundMethod<PublicMethod>, { id = '' }: Fixture) =>
  (method.http.split(' ')[1] ?? '').replace(':id', id);

describe('a method that is not once per key', () => {
  it('takes no notice of one: each call is a call', async () => {
    const { client, password } = await newTenant(anonymous);
    const headers = { 'idempotency-key': 'key' };
    const change = { current_password: password, new_password: 'another horse battery staple' };
    expect((await client.post('/v1/auth/password/change', change, { headers })).status).toBe(204);
    expect(await client.post('/v1/auth/password/change', change, { headers })).toMatchObject({
      status: 401,
      body: { code: 'invalid_credentials' },
    });
  });
});
