import { randomUUID } from 'node:crypto';
import {
  problems,
  publicMethods,
  socketMethods,
  type BoundMethod,
  type PublicMethod,
  type SocketMethod,
} from '@taai/contracts';
import { dialects, routeOf } from '@taai/dialects';
import { ChatClient } from './support/chat-client';
import type { Client, Json } from './support/client';
import { upload } from './support/files';
import { expectGolden, tableOf } from './support/golden';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, revokedClient, type TestTenant } from './support/tenant';

/**
 * Every route of the contracts and dialects, and every event of sockets, × everybody who might call it, against a table that a reviewer reads: e2e/access.golden.md. A new
 * route appears in it by itself; `UPDATE_GOLDEN=1 npm test -- --selectProjects e2e -- e2e/access-matrix` writes it anew.
 */
const GOLDEN = 'e2e/access.golden.md';

const { anonymous, sandboxUrl } = sharedFleet();

/** Refused by every input, so that whoever is let in changes nothing. */
const PROBE = '__probe';

const callers = ['admin', 'member', 'viewer', 'stranger', 'other', 'anonymous', 'revoked', 'key'] as const;
type CallerName = (typeof callers)[number];

/** Which object of the first tenant a route's `:id` stands for, by the route's beginning. */
type Fixtures = Record<string, string>;

/** What a route needs to get as far as looking for the object that its path names. */
const bodies: Record<string, object> = {
  'PATCH /v1/tasks/:id': { title: 'Taken over' },
  'PATCH /v1/providers/:id': { name: 'taken-over' },
  'PUT /v1/providers/:id/credentials': { api_key: 'sk-taken-over' },
  'PATCH /v1/agents/:id': { name: 'Taken over' },
  'PATCH /v1/tools/:id': { name: 'taken-over' },
  'POST /v1/agents/:id/runs': { input: 'Taken over' },
  'POST /v1/runs/:id/tool-calls/:tool_call_id/approval': { decision: 'approve' },
  'PATCH /v1/conversations/:id': { title: 'Taken over' },
  'POST /v1/conversations/:id/messages': { content: 'Taken over' },
  'POST /v1/conversations/:id/fork': { message_id: randomUUID() },
  'POST /v1/messages/:id/feedback': { rating: 'up' },
  'POST /v1/conversations/:id/participants': { user_id: randomUUID(), role: 'writer' },
  'PATCH /v1/webhooks/:id': { description: 'Taken over' },
  'PATCH /v1/users/:id': { name: 'Taken over' },
  'PATCH /v1/roles/:id': { description: 'Taken over' },
};

const routes: readonly (BoundMethod<PublicMethod> & { verb: string; path: string })[] = [
  ...publicMethods,
  ...dialects.map(routeOf),
]
  .map((bound) => {
    const [verb = '', path = ''] = bound.method.http.split(' ');
    return { ...bound, verb, path };
  })
  .sort((a, b) => a.path.localeCompare(b.path) || a.verb.localeCompare(b.verb));

const isPrivate = (path: string) => /^\/v1\/(conversations|messages|runs|shares|files)\/:/.test(path);
const uploads = new Set<string>(routes.flatMap(({ method }) => (method.upload ? method.http : [])));
const takesBody = (verb: string) => verb !== 'GET' && verb !== 'DELETE' && verb !== 'HEAD';
const withIds = (path: string, id: string = randomUUID()) => path.replace(/:\w+/g, id);

function formOfProbe(): FormData {
  const form = new FormData();
  form.append(PROBE, new Blob(['x']), 'x');
  return form;
}
/** Payloads of events that name what belongs to the first tenant; the others name nothing, or only what has been joined. */
const trespasses: Record<string, (fixtures: Fixtures) => object> = {
  'conversation:join': (fixtures) => ({ conversation_id: fixtures['/v1/conversations'] }),
  'message:send': (fixtures) => ({ conversation_id: fixtures['/v1/conversations'], content: 'Taken over' }),
  'run:cancel': (fixtures) => ({ run_id: fixtures['/v1/runs'] }),
  typing: (fixtures) => ({ conversation_id: fixtures['/v1/conversations'], is_typing: true }),
};

const statusOf = (code: string): string => String(problems[code as keyof typeof problems].status);

/** How far a request gets that no input accepts. */
async function probe(client: Client, verb: string, path: string): Promise<{ status: number; body: Json }> {
  const query = takesBody(verb) ? '' : `?${PROBE}=1`;
  const body = uploads.has(`${verb} ${path}`) ? formOfProbe() : { [PROBE]: 1 };
  return client.request(verb, withIds(path) + query, { ...(takesBody(verb) && { body }) });
}

/** `yes`: everything but the probe was right. */
function verdict({ status, body }: { status: number; body: Json }): string {
  // OpenAI's API ignores what it does not know, and misses the model.
  const { code = '', param = '' } = body?.['error'] ?? body ?? {};
  const isProbe = code === 'validation_failed' && (JSON.stringify(body).includes(PROBE) || param === 'model');
  return status === 400 && isProbe ? 'yes' : String(status);
}

const INTRODUCTION = `# Who may call what

Compared with the running fleet by access-matrix.e2e.ts. \`yes\`: let in; a number: the status of the refusal. \`stranger\` is
a member of the same tenant, at conversations, runs and files that the admin shares with nobody. \`other\` is the admin of
another tenant: \`own\` means that the route shows them their own tenant alone, 404 that another tenant's id does not exist for
them. \`revoked\` is an admin whose session was revoked, \`key\` an API key of an admin with the scope \`tasks:read\`.
Events of sockets are answered with codes: here stand the statuses of these. What participants may do, and who has a right to
everybody's, is in private.golden.md.
`;

describe('every route for everybody', () => {
  let clients: Record<CallerName, Client>;
  let tenant: TestTenant;
  let fixtures: Fixtures;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    fixtures = await fill(tenant);
    const key = await tenant.client.post('/v1/api-keys', { name: 'restricted', scopes: ['tasks:read'] });
    clients = {
      admin: tenant.client,
      member: await colleague(tenant, 'member'),
      viewer: await colleague(tenant, 'viewer'),
      stranger: await colleague(tenant, 'member'),
      other: (await newTenant(anonymous)).client,
      anonymous,
      revoked: await revokedClient(tenant),
      key: anonymous.withToken(key.body['key']),
    };
  });

  async function fill(owner: TestTenant): Promise<Fixtures> {
    const { client } = owner;
    const make = async (path: string, body: object) => (await client.post(path, body)).body['id'] as string;
    const agent = await newAgent(owner, sandboxUrl);
    const run = await client.post(`/v1/agents/${agent}/runs`, { input: 'Run for the matrix' });
    const provider = (await client.get('/v1/providers')).body['data'][0].id as string;
    const session = (await client.get('/v1/auth/sessions')).body['data'][0].id as string;
    const job = await client.post('/v1/tenant/export', {});
    const conversation = await make('/v1/conversations', { agent_id: agent });
    const message = await client.post(`/v1/conversations/${conversation}/messages`, { content: 'Said for the matrix' });
    return {
      '/v1/tasks': await make('/v1/tasks', { title: 'Task of the matrix' }),
      '/v1/agents': agent,
      '/v1/runs': run.body['id'],
      '/v1/providers': provider,
      '/v1/tools': await make('/v1/tools', { name: 'sum', kind: 'builtin', config: { builtin: 'calculator' } }),
      '/v1/conversations': conversation,
      '/v1/messages': message.body['reply'].id,
      '/v1/shares': (await client.post(`/v1/conversations/${conversation}/shares`, {})).body['id'],
      '/v1/files': (await upload(client, 'File of the matrix', 'matrix.txt')).body['id'],
      '/v1/webhooks': await make('/v1/webhooks', { url: 'http://127.0.0.1:9/hook', events: ['task.created'] }),
      '/v1/roles': await make('/v1/roles', { name: 'matrix', permissions: ['tasks:read'] }),
      '/v1/api-keys': await make('/v1/api-keys', { name: 'matrix', scopes: ['tasks:read'] }),
      '/v1/users': owner.user_id,
      '/v1/auth/sessions': session,
      '/v1/jobs': job.body['id'],
      '/v1/tenant/exports': job.body['id'],
      '/v1/models': `agent:${(await client.get(`/v1/agents/${agent}`)).body['slug']}`,
    };
  }

  /** What somebody gets with a request that is right but for its id, which is not theirs. */
  async function trespass(caller: 'stranger' | 'other', verb: string, path: string): Promise<string> {
    const known = Object.entries(fixtures).find(([start]) => path.startsWith(`${start}/:`));
    if (!known) return `no fixture for ${path}`;
    const { status } = await clients[caller].request(verb, withIds(path, known[1]), {
      ...(takesBody(verb) && { body: bodies[`${verb} ${path}`] ?? {} }),
    });
    return String(status);
  }

  async function cell(caller: CallerName, { verb, path, method }: (typeof routes)[number]): Promise<string> {
    const outcome = verdict(await probe(clients[caller], verb, path));
    if (outcome !== 'yes' || method.access === 'public') return outcome;
    if (caller === 'stranger' && isPrivate(path)) return trespass(caller, verb, path);
    if (caller !== 'other') return outcome;
    return path.includes(':') ? trespass(caller, verb, path) : 'own';
  }

  /** The caller's socket, or the status of its refusal. */
  const socketOf = (caller: CallerName): Promise<ChatClient | string> =>
    ChatClient.connect(clients[caller]).catch(({ data }: { data: { code: string } }) => statusOf(data.code));

  async function socketCell(caller: CallerName, { socket: { event } }: SocketMethod): Promise<string> {
    const chat = await socketOf(caller);
    if (typeof chat === 'string') return chat;
    try {
      const { error } = await chat.ask(event, { [PROBE]: 1 });
      if (error.code !== 'validation_failed') return statusOf(error.code);
      const trespass = caller === 'stranger' || caller === 'other' ? trespasses[event] : undefined;
      const answer = trespass && (await chat.ask(event, trespass(fixtures)));
      return answer?.error ? statusOf(answer.error.code) : 'yes';
    } finally {
      chat.close();
    }
  }

  test('is as the golden table says', async () => {
    const rows = [['route', 'access', ...callers]];
    for (const route of routes) {
      const cells: string[] = [];
      for (const caller of callers) cells.push(await cell(caller, route));
      rows.push([`${route.verb} ${route.path}`, route.method.access, ...cells]);
    }
    for (const { method } of socketMethods) {
      const cells: string[] = [];
      for (const caller of callers) cells.push(await socketCell(caller, method));
      rows.push([`socket ${method.socket.event}`, method.access, ...cells]);
    }
    expectGolden(GOLDEN, `${INTRODUCTION}\n${tableOf(rows)}\n`);
  });

  test('left the tenant as it was', async () => {
    const { client } = tenant;
    for (const [start, id] of Object.entries(fixtures)) {
      if (
        ['/v1/auth/sessions', '/v1/api-keys', '/v1/roles', '/v1/tenant/exports', '/v1/messages', '/v1/shares'].includes(
          start,
        )
      )
        continue;
      const { status, body } = await client.get(`${start}/${id}`);
      expect([start, status]).toEqual([start, 200]);
      expect(JSON.stringify(body).toLowerCase()).not.toContain('taken');
    }
    const listed = async (path: string) => JSON.stringify((await client.get(path)).body);
    expect(await listed('/v1/roles')).toContain(fixtures['/v1/roles']);
    expect(await listed('/v1/api-keys')).toContain(fixtures['/v1/api-keys']);
    expect(await listed('/v1/auth/sessions')).toContain(fixtures['/v1/auth/sessions']);
  });

  test('shows strangers of the tenant no conversation, run or file that is not shared with them', async () => {
    // Usage names the run that it belongs to, and nothing of it.
    const lists = routes.filter(({ verb, path }) => verb === 'GET' && !path.includes(':') && !path.includes('/usage/'));
    for (const { path } of lists) {
      const shown = JSON.stringify((await clients.stranger.get(path)).body);
      for (const start of ['/v1/conversations', '/v1/runs', '/v1/files'])
        expect([path, shown.includes(fixtures[start] ?? '')]).toEqual([path, false]);
    }
    expect((await clients.stranger.get(`/v1/agents/${fixtures['/v1/agents']}/runs`)).body['data']).toEqual([]);
  });

  test("shows nothing of the tenant in another one's lists", async () => {
    const own = routes.filter(
      ({ verb, path, method }) => verb === 'GET' && !path.includes(':') && method.access !== 'public',
    );
    for (const { path } of own) {
      const { status, body } = await clients.other.get(path);
      expect([path, status]).toEqual([path, 200]);
      const shown = JSON.stringify(body);
      for (const id of [tenant.tenant_id, ...Object.values(fixtures)])
        expect([path, shown.includes(id)]).toEqual([path, false]);
    }
  });

  test('answers HEAD as GET', async () => {
    for (const { verb, path } of routes.filter(({ verb }) => verb === 'GET')) {
      for (const caller of callers) {
        const address = `${withIds(path)}?${PROBE}=1`;
        const [get, head] = [await clients[caller].fetch(verb, address), await clients[caller].fetch('HEAD', address)];
        await get.body?.cancel();
        expect([caller, path, head.status, await head.text()]).toEqual([caller, path, get.status, '']);
      }
    }
  });

  test('answers 404 with a trailing slash, to everybody', async () => {
    for (const { verb, path } of routes) {
      for (const caller of callers) {
        const { status } = await probe(clients[caller], verb, `${path}/`);
        expect([caller, verb, path, status]).toEqual([caller, verb, path, 404]);
      }
    }
  });
});
