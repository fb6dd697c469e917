import { randomUUID } from 'node:crypto';
import { publicMethods } from '@taai/contracts';
import { decodeJwt } from 'jose';
import { adminCommand } from './support/admin';
import type { Client, Json } from './support/client';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';

const { anonymous, adminEnv, sandboxUrl, mailTo } = sharedFleet();

/**
 * What each change to identity, roles, keys, providers, agents, tools, prices, webhooks and the tenant is called in the audit log. A new method that
 * changes any of these is missing here until somebody says what its entry is called.
 */
const AUDITED: Record<string, string> = {
  'auth.register': 'tenant.created',
  'auth.login': 'session.opened',
  'auth.session.logout': 'session.revoked',
  'auth.session.revoke': 'session.revoked',
  'auth.password.change': 'password.changed',
  'auth.password.reset': 'password.reset',
  'auth.user.invite': 'user.invited',
  'auth.user.inviteAgain': 'invite.resent',
  'auth.user.acceptInvite': 'invite.accepted',
  'auth.user.update': 'user.updated',
  'auth.user.remove': 'user.removed',
  'auth.role.create': 'role.created',
  'auth.role.update': 'role.updated',
  'auth.role.remove': 'role.deleted',
  'auth.api_key.create': 'api_key.created',
  'auth.api_key.remove': 'api_key.revoked',
  'auth.tenant.update': 'tenant.updated',
  'auth.tenant.startExport': 'tenant.export_requested',
  'auth.tenant.remove': 'tenant.deletion_requested',
  'orchestrator.provider.create': 'provider.created',
  'orchestrator.provider.update': 'provider.updated',
  'orchestrator.provider.putCredentials': 'provider.credentials_stored',
  'orchestrator.provider.remove': 'provider.deleted',
  'orchestrator.agent.create': 'agent.created',
  'orchestrator.agent.update': 'agent.updated',
  'orchestrator.agent.remove': 'agent.deleted',
  'orchestrator.tool.create': 'tool.created',
  'orchestrator.tool.update': 'tool.updated',
  'orchestrator.tool.remove': 'tool.deleted',
  'usage.price.put': 'price.updated',
  'webhook.create': 'webhook.created',
  'webhook.update': 'webhook.updated',
  'webhook.remove': 'webhook.deleted',
};

/** They change nobody's access: one has a mail sent, one goes on with a session, one asks a provider a question. */
const UNAUDITED = ['auth.password.forgot', 'auth.session.refresh', 'orchestrator.provider.test'];

const RESOURCES = [
  'users',
  'roles',
  'api_keys',
  'providers',
  'agents',
  'tools',
  'prices',
  'webhooks',
  'tenant',
  'public',
  'session',
];

const changing = publicMethods.filter(
  ({ method }) => method.effect !== 'safe' && RESOURCES.includes(method.access.split(':')[0] ?? ''),
);

test('every method that changes what an auditor asks about has an entry in the list', () => {
  expect(changing.map(({ rpc }) => rpc).sort()).toEqual([...Object.keys(AUDITED), ...UNAUDITED].sort());
});

describe('each of them', () => {
  const called: string[] = [];
  const password = 'correct horse battery staple';
  let admin = anonymous;

  interface Call {
    body?: object;
    id?: string;
    by?: Client;
  }

  /** Calls a method by its route. The request is named after it, and so is the entry. */
  async function call(rpc: string, { body, id = '', by = admin }: Call = {}): Promise<Json> {
    const [verb = '', path = ''] = changing.find((method) => method.rpc === rpc)?.method.http.split(' ') ?? [];
    const headers = { 'x-request-id': rpc };
    const answer = await by.request(verb, path.replace(':id', id), { headers, ...(body && { body }) });
    expect([rpc, answer.status < 300 ? '2xx' : answer.body]).toEqual([rpc, '2xx']);
    called.push(rpc);
    return answer.body;
  }

  const login = async (email: string, word = password) =>
    (await anonymous.post('/v1/auth/login', { email, password: word })).body as {
      access_token: string;
      refresh_token: string;
    };

  async function useSessions(email: string) {
    const [left, lost] = [await login(email), await login(email)];
    await call('auth.session.logout', { body: { refresh_token: left.refresh_token } });
    await call('auth.session.revoke', { id: String(decodeJwt(lost.access_token)['sid']) });
    await call('auth.password.change', { body: { current_password: password, new_password: 'another horse' } });
  }

  async function useUsers() {
    const email = `${randomUUID()}@example.com`;
    const { id } = await call('auth.user.invite', { body: { email, role: 'viewer' } });
    await mailTo(email);
    await call('auth.user.inviteAgain', { id });
    await call('auth.user.acceptInvite', { body: { token: (await mailTo(email)).token, password } });
    await anonymous.post('/v1/auth/password/forgot', { email });
    await call('auth.password.reset', { body: { token: (await mailTo(email)).token, new_password: 'another horse' } });
    await call('auth.user.update', { id, body: { role: 'member' } });
    await call('auth.user.remove', { id });
  }

  async function useRolesAndKeys() {
    const role = await call('auth.role.create', { body: { name: 'readers', permissions: ['tasks:read'] } });
    await call('auth.role.update', { id: role.id, body: { permissions: ['*:read'] } });
    await call('auth.role.remove', { id: role.id });
    const key = await call('auth.api_key.create', { body: { name: 'CI', scopes: ['tasks:read'] } });
    await call('auth.api_key.remove', { id: key.id });
  }

  async function useAgents() {
    const fields = { name: 'main', kind: 'openai', base_url: `${sandboxUrl}/v1` };
    const provider = await call('orchestrator.provider.create', { body: fields });
    await call('orchestrator.provider.update', { id: provider.id, body: { priority: 5 } });
    await call('orchestrator.provider.putCredentials', { id: provider.id, body: { api_key: 'sk-sandbox' } });
    const agent = await call('orchestrator.agent.create', {
      body: { name: 'Helper', slug: 'helper', system_prompt: '', model: 'sandbox-1', provider_id: provider.id },
    });
    await call('orchestrator.agent.update', { id: agent.id, body: { name: 'Assistant' } });
    await call('orchestrator.agent.remove', { id: agent.id });
    await call('orchestrator.provider.remove', { id: provider.id });
    const calculator = { name: 'sum', kind: 'builtin', config: { builtin: 'calculator' } };
    const tool = await call('orchestrator.tool.create', { body: calculator });
    await call('orchestrator.tool.update', { id: tool.id, body: { requires_approval: true } });
    await call('orchestrator.tool.remove', { id: tool.id });
    const price = { input_price: 1, output_price: 2 };
    await call('usage.price.put', { body: { provider_kind: 'openai', model: 'sandbox-1', price } });
    const endpoint = { url: 'http://127.0.0.1:9/hook', events: ['task.created'] };
    const webhook = await call('webhook.create', { body: endpoint });
    await call('webhook.update', { id: webhook.id, body: { description: 'Ours' } });
    await call('webhook.remove', { id: webhook.id });
  }

  /** The tenant is back at the end, so that its log can be read. */
  async function useTenant(tenant_id: string) {
    await call('auth.tenant.update', { body: { name: 'Renamed' } });
    await call('auth.tenant.startExport');
    await call('auth.tenant.remove');
    await adminCommand(adminEnv, 'tenant', 'restore', tenant_id);
  }

  it('leaves its entry in the log', async () => {
    const email = `${randomUUID()}@example.com`;
    const { user, tenant } = await call('auth.register', { body: { tenant_name: 'Audited', email, password } });
    admin = anonymous.withToken((await call('auth.login', { body: { email, password } })).access_token);
    await useSessions(email);
    await useUsers();
    await useRolesAndKeys();
    await useAgents();
    await useTenant(tenant.id);
    expect(called.sort()).toEqual(Object.keys(AUDITED).sort());

    await eventually(async () => {
      const { status, body } = await admin.get('/v1/audit-logs?limit=100');
      expect(status).toBe(200);
      const entries = body['data'] as { request_id: string; action: string; actor_id: string; ip: string }[];
      const missing = Object.entries(AUDITED).filter(
        ([request_id, action]) => !entries.some((entry) => entry.request_id === request_id && entry.action === action),
      );
      expect(missing).toEqual([]);
      const nameless = entries.filter(({ request_id, actor_id, ip }) => request_id in AUDITED && !(actor_id && ip));
      expect(nameless).toEqual([]);
      expect(entries.find(({ action }) => action === 'role.created')?.actor_id).toBe(user.id);
    });
  });
});
