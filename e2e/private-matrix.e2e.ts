import { randomUUID } from 'node:crypto';
import { problems, publicMethods, socketMethods } from '@taai/contracts';
import { rolePermissions } from '@taai/rbac';
import { decodeJwt } from 'jose';
import { ChatClient } from './support/chat-client';
import type { Client, Json } from './support/client';
import { eventually } from './support/eventually';
import { upload } from './support/files';
import { expectGolden, tableOf } from './support/golden';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';

/**
 * Everything that belongs to who made it × everybody in the tenant who might want it, done to the end: e2e/private.golden.md. New routes
 * appear by themselves; `UPDATE_GOLDEN=1 npm test -- --selectProjects e2e -- e2e/private-matrix` writes it anew.
 */
const GOLDEN = 'e2e/private.golden.md';

const { anonymous, sandboxUrl } = sharedFleet();

/** Rights to everybody's, each with what a member may do besides. */
const rights: Record<string, string[]> = {
  read_any: ['conversations:read_any', 'runs:read_any', 'files:read_any'],
  manage_any: ['conversations:manage_any', 'runs:manage_any', 'files:manage_any'],
  approve_any: ['runs:approve_any'],
};

const callers = ['owner', 'writer', 'reader', 'stranger', ...Object.keys(rights)];

/** What one caller is tried at: all of it the owner's, shared with the writer, the reader and a guest. */
interface Fixture {
  conversation: string;
  message: string;
  run: string;
  call: string;
  share: string;
  file: string;
}

const brief = '[[tokens=1 delay=0]]';

/** Bodies that are right, by route. */
const bodies: Record<string, (fixture: Fixture, guest: string) => object> = {
  'PATCH /v1/conversations/:id': () => ({ title: 'Renamed' }),
  'POST /v1/conversations/:id/messages': () => ({ content: `Said ${brief}` }),
  'POST /v1/conversations/:id/fork': ({ message }) => ({ message_id: message }),
  'POST /v1/conversations/:id/participants': (_, guest) => ({ user_id: guest, role: 'reader' }),
  'POST /v1/messages/:id/feedback': () => ({ rating: 'up' }),
  'POST /v1/runs/:id/tool-calls/:tool_call_id/approval': () => ({ decision: 'approve' }),
};

/** Payloads of events that are right. */
const payloads: Record<string, (fixture: Fixture) => object> = {
  'conversation:join': ({ conversation }) => ({ conversation_id: conversation }),
  'conversation:leave': ({ conversation }) => ({ conversation_id: conversation }),
  'message:send': ({ conversation }) => ({ conversation_id: conversation, content: `Sent ${brief}` }),
  'run:cancel': ({ run }) => ({ run_id: run }),
  typing: ({ conversation }) => ({ conversation_id: conversation, is_typing: true }),
};

/** What takes something away comes last, then the conversation, and what brings it back. */
const rank = (verb: string, path: string): number => {
  if (path.endsWith('/restore')) return 10;
  if (verb === 'DELETE') return path === '/v1/conversations/:id' ? 9 : 8;
  return path.endsWith('/cancel') ? 7 : path.endsWith('/approval') ? 6 : verb === 'GET' ? 0 : 1;
};

const routes = publicMethods
  .map(({ method }) => {
    const [verb = '', path = ''] = method.http.split(' ');
    return { route: method.http, verb, path };
  })
  .filter(({ path }) => /^\/v1\/(conversations|messages|runs|shares|files)\/:id/.test(path))
  .sort((a, b) => rank(a.verb, a.path) - rank(b.verb, b.path) || a.route.localeCompare(b.route));

/** In an order in which each can be: one types where one has joined. */
const events = ['conversation:join', 'typing', 'conversation:leave', 'message:send', 'run:cancel'];

const INTRODUCTION = `# Who may do what with what is private

Everything of a conversation of the \`owner\`, who has shared it with the \`writer\` and the \`reader\` and not with the
\`stranger\`, tried to the end by private-matrix.e2e.ts: members of one tenant all of them. The last three hold rights to
everybody's conversations, runs and files, as far as there are some of the name. \`yes\`: done; a number: the status of the
refusal. Attempts of sockets come first, so that their \`run:cancel\` is another run's.
`;

const idOf = ({ token = '' }: Client) => decodeJwt(token).sub ?? '';

describe('everything private for everybody in the tenant', () => {
  let tenant: TestTenant;
  let agent: string;
  let guest: string;
  const clients = new Map<string, Client>();

  const of = (caller: string): Client => clients.get(caller) ?? anonymous;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    agent = await newAgent(tenant, sandboxUrl);
    const tool = { name: 'calculator', kind: 'builtin', config: { builtin: 'calculator' }, requires_approval: true };
    await tenant.client.post('/v1/tools', tool);
    await tenant.client.patch(`/v1/agents/${agent}`, { tools: ['calculator'] });
    for (const [name, more] of Object.entries(rights)) {
      const permissions = [...(rolePermissions['member'] ?? []), ...more];
      expect((await tenant.client.post('/v1/roles', { name, permissions })).status).toBe(201);
    }
    for (const caller of callers) clients.set(caller, await colleague(tenant, caller in rights ? caller : 'member'));
    guest = idOf(await colleague(tenant, 'member'));
  });

  /** A run of the conversation that waits for an approval. */
  async function waitingRun(conversation: string): Promise<Pick<Fixture, 'run' | 'call'>> {
    const chat = await ChatClient.connect(of('owner'));
    const content = '[[tool=calculator:{"expression":"6*7"}]]';
    const { run_id: run } = await chat.ask('message:send', { conversation_id: conversation, content });
    chat.close();
    return eventually(async () => {
      const { status, steps } = (await of('owner').get(`/v1/runs/${run}`)).body;
      expect(status).toBe('waiting_approval');
      return { run, call: steps[0].tool_calls[0].tool_call_id };
    });
  }

  async function fixture(): Promise<Fixture> {
    const owner = of('owner');
    const conversation: string = (await owner.post('/v1/conversations', { agent_id: agent })).body['id'];
    const at = (path: string) => `/v1/conversations/${conversation}${path}`;
    for (const [user_id, role] of [
      [idOf(of('writer')), 'writer'],
      [idOf(of('reader')), 'reader'],
      [guest, 'reader'],
    ])
      await owner.post(at('/participants'), { user_id, role });
    const file: string = (await upload(owner, `File ${randomUUID()}`, 'private.txt')).body['id'];
    const said = await owner.post(at('/messages'), { content: `Look ${brief}`, attachments: [{ file_id: file }] });
    const share: string = (await owner.post(at('/shares'), {})).body['id'];
    const message: string = said.body['reply'].id;
    return { conversation, message, share, file, ...(await waitingRun(conversation)) };
  }

  const addressOf = (path: string, { conversation, message, run, call, share, file }: Fixture) => {
    const ids: Record<string, string> = { conversations: conversation, messages: message, runs: run, shares: share };
    const id = ids[path.split('/')[2] ?? ''] ?? file;
    return path.replace(':id', id).replace(':tool_call_id', call).replace(':user_id', guest);
  };

  async function attempt(caller: string, { route, verb, path }: (typeof routes)[number], made: Fixture) {
    const body = verb === 'GET' || verb === 'DELETE' ? undefined : (bodies[route]?.(made, guest) ?? {});
    const { status, body: answer } = await of(caller).fetch(verb, addressOf(path, made), { body });
    await answer?.cancel();
    return status < 300 ? 'yes' : String(status);
  }

  async function socketAttempts(caller: string): Promise<Map<string, string>> {
    const made = await fixture();
    const chat = await ChatClient.connect(of(caller));
    const found = new Map<string, string>();
    for (const event of events) {
      const { ok, error }: Json = await chat.ask(event, payloads[event]?.(made) ?? {});
      found.set(event, ok ? 'yes' : String(problems[error.code as keyof typeof problems].status));
    }
    chat.close();
    return found;
  }

  test('is as the golden table says', async () => {
    expect(events.toSorted()).toEqual(socketMethods.map(({ method }) => method.socket.event).toSorted());
    const columns = new Map<string, string[]>();
    for (const caller of callers) {
      const bySocket = await socketAttempts(caller);
      const made = await fixture();
      const cells: string[] = [];
      for (const route of routes) cells.push(await attempt(caller, route, made));
      columns.set(caller, [...cells, ...bySocket.values()]);
    }
    const names = [...routes.map(({ route }) => route), ...events.map((event) => `socket ${event}`)];
    const rows = names.map((name, row) => [name, ...callers.map((caller) => columns.get(caller)?.[row] ?? '')]);
    expectGolden(GOLDEN, `${INTRODUCTION}\n${tableOf([['what', ...callers], ...rows])}\n`);
  });

  test('is refused to strangers as what nobody has', async () => {
    const made = await fixture();
    const absent: Fixture = {
      ...made,
      conversation: randomUUID(),
      message: randomUUID(),
      run: randomUUID(),
      share: randomUUID(),
      file: randomUUID(),
    };
    const ask = async ({ verb, route, path }: (typeof routes)[number], what: Fixture) => {
      const body = verb === 'GET' || verb === 'DELETE' ? undefined : (bodies[route]?.(what, guest) ?? {});
      const answer = await of('stranger').request(verb, addressOf(path, what), { body });
      const headers = [...answer.headers.keys()].toSorted();
      return { route, status: answer.status, headers, problem: { ...answer.body, request_id: 'another' } };
    };
    for (const route of routes) {
      const theirs = await ask(route, made);
      expect(theirs.status).toBe(404);
      expect(theirs).toEqual(await ask(route, absent));
    }
  });
});
