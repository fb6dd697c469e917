import { get } from 'node:http';
import { decodeJwt } from 'jose';
import { ChatClient, ConversationSource, messagesOf, nameOf, runEventsOf } from './support/chat-client';
import type { Client, Json } from './support/client';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import { RawSocket } from './support/raw-socket';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, newTenantOn, type TestTenant } from './support/tenant';

const { adminDatabaseUrl, anonymous, gateways, sandboxUrl } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;

const idOf = ({ token = '' }: Client) => decodeJwt(token).sub ?? '';

describe('sockets', () => {
  let tenant: TestTenant;
  let agent: string;
  let [owner, friend, stranger] = [anonymous, anonymous, anonymous];
  let conversation: string;
  let open: { close(): void }[] = [];

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    agent = await newAgent(tenant, sandboxUrl);
    owner = await colleague(tenant, 'member');
    friend = await colleague(tenant, 'member');
    stranger = await colleague(tenant, 'member');
  });
  beforeEach(async () => {
    conversation = (await owner.post('/v1/conversations', { agent_id: agent })).body['id'];
    await owner.post(at('/participants'), { user_id: idOf(friend), role: 'writer' });
  });
  afterEach(() => {
    open.forEach((one) => one.close());
    open = [];
  });

  const at = (path = '') => `/v1/conversations/${conversation}${path}`;

  async function connect(client: Client, gateway: 0 | 1 = 0): Promise<ChatClient> {
    const chat = await ChatClient.connect(client.at(gateways[gateway]));
    open.push(chat);
    return chat;
  }

  async function joined(client: Client, gateway: 0 | 1 = 0, last_event_id?: string): Promise<ChatClient> {
    const chat = await connect(client, gateway);
    expect(await join(chat, last_event_id)).toMatchObject({ ok: true });
    return chat;
  }

  const join = (chat: ChatClient, last_event_id?: string) =>
    chat.ask('conversation:join', { conversation_id: conversation, ...(last_event_id && { last_event_id }) });

  const say = (chat: ChatClient, content: string) =>
    chat.ask('message:send', { conversation_id: conversation, content });

  function source(client: Client, gateway: 0 | 1, query = ''): ConversationSource {
    const reader = new ConversationSource(client.at(gateways[gateway]), at(`/events${query}`));
    open.push(reader);
    return reader;
  }

  /** Waits until the run's answer has come. */
  const answered = (reader: ChatClient | ConversationSource, run_id: string) =>
    eventually(async () => {
      const answer = messagesOf(reader.events).find((one) => one.run_id === run_id && one.role === 'assistant');
      expect(answer).toBeDefined();
    });

  it('and a late one, and SSE, at two gateways, are told the same events', async () => {
    const first = await joined(owner);
    const sse = source(friend, 1, `?last_event_id=${conversation}`);
    const sent = await say(first, 'tell me [[tokens=40 delay=20]]');
    expect(sent).toMatchObject({ ok: true, message_id: expect.any(String), run_id: expect.any(String) });
    await eventually(async () => expect(runEventsOf(first.events, sent.run_id).length).toBeGreaterThan(10));
    const late = await joined(friend, 1);
    await Promise.all([first, sse, late].map((reader) => answered(reader, sent.run_id)));

    const { body } = await owner.get(at('/messages'));
    const run = runEventsOf(first.events, sent.run_id);
    expect(run.map(({ id }) => id)).toEqual(run.map((_, index) => index + 1));
    expect(run.at(-1)).toMatchObject({ type: 'run.completed' });
    expect(messagesOf(first.events)).toEqual(body['data']);
    expect(first.events.at(-1)).toMatchObject({ type: 'message.created', data: { run_id: sent.run_id } });
    expect(sse.events.map(nameOf).sort()).toEqual(first.events.map(nameOf).sort());
    expect(runEventsOf(sse.events, sent.run_id)).toEqual(run);
    expect(runEventsOf(late.events, sent.run_id)).toEqual(run);
    expect(messagesOf(late.events)).toEqual(body['data'].slice(1));
  });

  it('are told, as readers of SSE are, of the title that a model finds, which is in the ledger', async () => {
    const titled = await newAgent(tenant, sandboxUrl);
    expect((await tenant.client.patch(`/v1/agents/${titled}`, { automatic_titles: true })).status).toBe(200);
    conversation = (await owner.post('/v1/conversations', { agent_id: titled })).body['id'];
    const [chat, sse] = [await joined(owner), source(owner, 1)];
    await eventually(async () => expect(sse.isOpen).toBe(true));
    const { run_id } = await say(chat, 'name me [[tokens=4]]');
    await answered(chat, run_id);
    const told = await eventually(async () => {
      const [data] = chat.toldOf('conversation.updated');
      expect(data).toEqual({ conversation_id: conversation, title: expect.stringMatching(/./) });
      return data;
    });
    await eventually(async () => expect(sse.told).toEqual([{ type: 'conversation.updated', data: told }]));
    expect((await owner.get(at())).body['title']).toBe(told.title);
    const rows =
      'select kind, status from usage_records where tenant_id = $1 and conversation_id = $2 order by call_id';
    const calls = await asSuperuser(adminDatabaseUrl, rows, [tenant.tenant_id, conversation]);
    expect(calls).toEqual([
      { kind: 'chat', status: 'closed' },
      { kind: 'title', status: 'closed' },
    ]);

    await owner.patch(at(), { title: 'Mine' });
    await eventually(async () => expect(chat.toldOf('conversation.updated').at(-1).title).toBe('Mine'));
  });

  it('go on at the other gateway where they were cut, with neither gap nor duplicate', async () => {
    const first = await joined(owner);
    const { run_id } = await say(first, 'one [[tokens=60 delay=20]]');
    await eventually(async () => expect(runEventsOf(first.events, run_id).length).toBeGreaterThan(10));
    first.close();
    const lastMessage = messagesOf(first.events).at(-1);
    const meanwhile = await friend.post(at('/messages'), { content: 'two [[tokens=3]]' });
    expect(meanwhile.status).toBe(201);
    const second = await joined(owner, 1, lastMessage.id);
    const uncut = source(owner, 0, `?last_event_id=${conversation}`);
    for (const id of [run_id, meanwhile.body['run_id']]) {
      await answered(second, id);
      await answered(uncut, id);
    }
    const known = new Set(first.events.map(nameOf));
    const all = [...first.events, ...second.events.filter((event) => !known.has(nameOf(event)))];
    expect(messagesOf(all)).toEqual((await owner.get(at('/messages'))).body['data']);
    expect(messagesOf(second.events).map(({ id }) => id)).not.toContain(lastMessage.id);
    for (const id of [run_id, meanwhile.body['run_id']])
      expect(runEventsOf(all, id)).toEqual(runEventsOf(uncut.events, id));
  });

  it('are not let into conversations of others, and send and cancel nothing there', async () => {
    const chat = await connect(stranger);
    const refused = { ok: false, error: { code: 'not_found', detail: 'There is no such conversation.' } };
    const absent = crypto.randomUUID();
    expect(await join(chat)).toEqual(refused);
    expect(await chat.ask('conversation:join', { conversation_id: absent })).toEqual(refused);
    expect(await say(chat, 'Me too')).toEqual(refused);
    expect(await chat.ask('typing', { conversation_id: conversation, is_typing: true })).toMatchObject({
      ok: false,
      error: { code: 'conflict' },
    });
    const { body } = await owner.post(at('/messages'), { content: 'Hello' });
    expect(await chat.ask('run:cancel', { run_id: body['run_id'] })).toMatchObject({
      ok: false,
      error: { code: 'not_found' },
    });
    expect(chat.events).toEqual([]);
    expect(chat.told).toEqual([]);
  });

  it('of who is taken out leave within 5 seconds, in mid-stream too, and the others go on', async () => {
    const [theirs, ours] = [await joined(friend, 1), await joined(owner)];
    const sse = source(friend, 0);
    const { run_id } = await say(ours, 'go on [[tokens=120 delay=100]]');
    await eventually(async () => expect(runEventsOf(theirs.events, run_id).length).toBeGreaterThan(3));
    expect((await owner.delete(at(`/participants/${idOf(friend)}`))).status).toBe(204);
    const since = performance.now();
    await eventually(async () => {
      expect(theirs.toldOf('conversation.left')).toMatchObject([{ conversation_id: conversation, code: 'not_found' }]);
      expect(sse.errors).toMatchObject([{ code: 'not_found' }]);
    });
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
    const [seen, told] = [theirs.events.length, theirs.told.length];
    await say(ours, 'a secret [[tokens=3]]');
    await eventually(async () => expect(messagesOf(ours.events).length).toBeGreaterThan(2));
    expect([theirs.events.length, theirs.told.length]).toEqual([seen, told]);
    expect(theirs.socket.connected).toBe(true);
    expect(await ours.ask('run:cancel', { run_id })).toMatchObject({ ok: true });
    await eventually(async () =>
      expect(runEventsOf(ours.events, run_id).at(-1)).toMatchObject({ type: 'run.cancelled' }),
    );
  });

  it('end with the session, within 5 seconds', async () => {
    const leaving = await colleague(tenant, 'member');
    const chat = await connect(leaving, 1);
    const { sid } = decodeJwt(leaving.token ?? '');
    const ended = chat.disconnected();
    expect((await leaving.delete(`/v1/auth/sessions/${String(sid)}`)).status).toBe(204);
    const since = performance.now();
    expect(await ended).toBe('io server disconnect');
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
    expect(chat.toldOf('closing')).toMatchObject([{ code: 'unauthenticated' }]);
  });

  it('tell who is there and who types, over both gateways, until they leave', async () => {
    const ours = await joined(owner);
    const theirs = await joined(friend, 1);
    const presence = (chat: ChatClient, user: Client) =>
      chat
        .toldOf('presence')
        .filter(({ user_id }) => user_id === idOf(user))
        .at(-1)?.is_online;
    await eventually(async () => {
      expect(presence(ours, friend)).toBe(true);
      expect(presence(theirs, owner)).toBe(true);
    });
    await theirs.ask('typing', { conversation_id: conversation, is_typing: true });
    const typing = { conversation_id: conversation, user_id: idOf(friend) };
    await eventually(async () => expect(ours.toldOf('typing')).toEqual([{ ...typing, is_typing: true }]));
    // Nobody takes it back: it expires.
    await eventually(async () => expect(ours.toldOf('typing').at(-1)).toEqual({ ...typing, is_typing: false }));
    theirs.close();
    await eventually(async () => expect(presence(ours, friend)).toBe(false));
  });

  it('that are cut off for a moment come back as who they were, into their conversations', async () => {
    const chat = await joined(owner);
    await eventually(async () => expect(chat.toldOf('presence')).toMatchObject([{ is_online: true }, {}]));
    const { id } = chat.socket;
    const back = new Promise<void>((resolve) => chat.socket.once('connect', resolve));
    chat.socket.io.engine.close();
    await back;
    expect([chat.socket.recovered, chat.socket.id]).toEqual([true, id]);
    const { body } = await friend.post(at('/messages'), { content: 'Are you there?' });
    await answered(chat, body['run_id']);
    expect(messagesOf(chat.events).map(({ role }) => role)).toEqual(['user', 'assistant']);
  });

  it('do with a key once what is sent twice', async () => {
    const chat = await connect(owner);
    const message = { conversation_id: conversation, content: 'Once', idempotency_key: crypto.randomUUID() };
    const [one, two] = [await chat.ask('message:send', message), await chat.ask('message:send', message)];
    expect(one).toMatchObject({ ok: true });
    expect(two).toEqual(one);
  });

  it('are refused without a token that is good', async () => {
    const refusal = (auth: object) =>
      new Promise<Json>((resolve) => {
        const chat = ChatClient.prepare(anonymous, auth);
        open.push(chat);
        chat.socket.once('connect_error', resolve).once('connect', () => resolve('connected'));
        chat.socket.connect();
      });
    expect((await refusal({})).data).toMatchObject({ code: 'unauthenticated' });
    expect((await refusal({ token: 'nonsense' })).data).toMatchObject({ code: 'unauthenticated' });
    expect((await refusal({ token: ['a'] })).data).toMatchObject({ code: 'unauthenticated' });
    expect((await refusal({ token: 'x'.repeat(10_000) })).data).toMatchObject({ code: 'unauthenticated' });
    const key = await tenant.client.post('/v1/api-keys', { name: 'chat', scopes: ['conversations:read'] });
    expect(await refusal({ token: key.body['key'] })).toBe('connected');
  });

  it("count among the tenant's open streams", async () => {
    const { client } = await newTenantOn('free', anonymous);
    const limits = (await client.get('/v1/usage/limits')).body['data'] as Json[];
    const most = limits.find(({ scope }) => scope === 'open_streams').limit as number;
    const chats = await Promise.all(Array.from({ length: most }, (_, n) => connect(client, n % 2 === 0 ? 0 : 1)));
    await expect(connect(client)).rejects.toMatchObject({ data: { code: 'too_many_streams' } });
    chats[0]?.close();
    await eventually(() => connect(client));
  });
});

describe('hostile sockets', () => {
  let tenant: TestTenant;
  let token: string;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    token = tenant.client.token ?? '';
  });
  afterEach(async () => {
    // The process is the same, and serves.
    expect((await tenant.client.get('/v1/auth/me')).status).toBe(200);
    const chat = await ChatClient.connect(tenant.client);
    chat.close();
  });

  it.each([
    ['an event before the handshake', '42/chat,["message:send",{}]'],
    ['an event in the namespace that nothing is in', '42["message:send",{}]'],
    ['a packet of no known type', '49/chat,[]'],
    ['a packet that is no JSON', '42/chat,["typing",{'],
    ['an acknowledgement that nobody asked for', '43/chat,1[{"ok":true}]'],
    ['a refusal, which is for servers to send', '44/chat,{"message":"no"}'],
    ['an event for a namespace that it is not in', '42/admin,["typing",{}]'],
    ['a binary packet', '451-/chat,["typing",{"_placeholder":true,"num":0}]'],
    ['a packet of a thousand attachments', '451000-/chat,["typing"]'],
    ['deep nesting', `42/chat,["typing",${'['.repeat(5000)}${']'.repeat(5000)}]`],
    ['many values', `42/chat,["typing",[${'1,'.repeat(100_000)}1]]`],
    ['an engine packet of no known type', 'x'],
    ['bytes', Buffer.from([1, 2, 3])],
    ['a frame of 5 MB', `42/chat,["typing","${'x'.repeat(5_000_000)}"]`],
  ])('%s ends the connection', async (_, packet) => {
    const raw = new RawSocket(gateways[0]);
    await (packet.toString().includes('message:send') ? raw.opened() : raw.connected(token));
    raw.send(packet);
    await raw.closed;
  });

  it('are let into no other namespace', async () => {
    const raw = await new RawSocket(gateways[0]).opened();
    for (const namespace of ['', '/admin,']) {
      raw.send(`40${namespace}${JSON.stringify({ token })}`);
      await eventually(async () => expect(raw.received.some((text) => text.startsWith(`44${namespace}{`))).toBe(true));
    }
  });

  it('are asked for their token a few times at most', async () => {
    const raw = await new RawSocket(gateways[0]).opened();
    for (let n = 0; n < 6; n += 1) raw.send('40/chat,{"token":"nonsense"}');
    await raw.closed;
  });

  it.each([
    ['an unknown event', '["message:steal",{}]', 'malformed_request'],
    ['no payload', '["typing"]', 'malformed_request'],
    ['two payloads', '["typing",{},{}]', 'malformed_request'],
    ['null', '["typing",null]', 'malformed_request'],
    ['a list', '["typing",[]]', 'malformed_request'],
    ['nothing that it asks for', '["typing",{}]', 'validation_failed'],
    ['an id with a newline', '["conversation:join",{"conversation_id":"a\\nb"}]', 'validation_failed'],
    [
      'more than it knows',
      '["run:cancel",{"run_id":"01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42","x":1}]',
      'validation_failed',
    ],
    ['a name from Object', '["constructor",{}]', 'malformed_request'],
    ['NUL', '["run:cancel",{"run_id":"\\u0000"}]', 'validation_failed'],
  ])('that send an event with %s are told so', async (_, packet, code) => {
    const raw = await new RawSocket(gateways[0]).connected(token);
    raw.send(`42/chat,7${packet}`);
    expect(await raw.ack(7)).toMatchObject({ ok: false, error: { code } });
  });

  it('that flood are told so, and then disconnected', async () => {
    const raw = await new RawSocket(gateways[0]).connected(token);
    const absent = crypto.randomUUID();
    for (let n = 0; n < 400; n += 1) raw.send(`42/chat,${n}["conversation:leave",{"conversation_id":"${absent}"}]`);
    await raw.closed;
    expect(await raw.ack(0)).toEqual({ ok: true });
    expect(raw.received.some((text) => text.includes('"rate_limited"') && text.startsWith('43'))).toBe(true);
    expect(raw.received.some((text) => text.startsWith('42/chat,["closing",{"code":"rate_limited"'))).toBe(true);
    expect(raw.received.filter((text) => text.includes('{"ok":true}')).length).toBeLessThan(100);
  });

  it('that ask by polling, and requests that would become something else, are answered as requests', async () => {
    const polling = await tenant.client.fetch('GET', '/socket.io/?EIO=4&transport=polling');
    expect(polling.status).toBe(400);
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };
    const upgrading = await new Promise<number>((resolve, reject) => {
      const authorization = `Bearer ${token}`;
      get(`${gateways[0]}/v1/auth/me`, { headers: { ...headers, authorization }, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).on('error', reject);
    });
    expect(upgrading).toBe(200);
  });
});
