import { randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type JWK } from 'jose';
import { ChatClient } from './support/chat-client';
import type { Client } from './support/client';
import { eventually } from './support/eventually';
import { RawSocket } from './support/raw-socket';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, authSigningJwk, gateways, sandboxUrl } = sharedFleet();

describe('the chat, given what is no good', () => {
  let tenant: TestTenant;
  let owner: Client;
  let conversation: string;
  let run: string;

  beforeAll(async () => {
    tenant = await newTenant(anonymous);
    const agent_id = await newAgent(tenant, sandboxUrl);
    owner = await colleague(tenant, 'member');
    conversation = (await owner.post('/v1/conversations', { agent_id })).body['id'];
    const sent = await owner.post(`/v1/conversations/${conversation}/messages`, { content: 'Hi [[tokens=1]]' });
    run = sent.body['run_id'];
  });
  afterEach(async () => {
    // Both processes are the same, and serve.
    for (const gateway of gateways) expect((await owner.at(gateway).get('/v1/auth/me')).status).toBe(200);
  });

  const garbage = ['x', '-1', '1e9', '0x1', 'null', "' or 1=1 --", '../..', '01980c8e-7c2b-7d6e', 'f'.repeat(90)];

  it.each(garbage)('refuses the place %j in each of its streams', async (place) => {
    const headers = { 'last-event-id': place };
    for (const [path, field] of [
      [`/v1/conversations/${conversation}/events`, 'last_event_id'],
      [`/v1/runs/${run}/events`, 'after'],
    ]) {
      const answer = await owner.get(path ?? '', { headers });
      expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path: field }] } });
    }
  });

  it.each([['x'], [['a']], [{ a: 1 }], [7], [true], ['a\nb'], ['\u0000'], ['f'.repeat(90)]])(
    'refuses to go on behind %j in a socket',
    async (last_event_id) => {
      const chat = await ChatClient.connect(owner);
      const answer = await chat.ask('conversation:join', { conversation_id: conversation, last_event_id });
      chat.close();
      expect(answer).toMatchObject({
        ok: false,
        error: { code: 'validation_failed', errors: [{ path: 'last_event_id' }] },
      });
    },
  );

  it.each(['a%0Ab', '%0D%0Aset-cookie:%20a=b', '%00', '..%2f..', '%E2%80%A8', 'x'.repeat(90)])(
    'has nothing by the id %j',
    async (id) => {
      const paths = ['conversations/ID', 'conversations/ID/events', 'conversations/ID/messages', 'runs/ID/events'];
      for (const path of [...paths, 'files/ID/content', 'messages/ID/feedback', 'shared/ID']) {
        const { status, body, headers } = await owner.get(`/v1/${path.replace('ID', id)}`);
        expect([path, [400, 404].includes(status), typeof body['code']]).toEqual([path, true, 'string']);
        expect(headers.get('set-cookie')).toBeNull();
      }
    },
  );

  it('gives a place of another conversation, and one of nobody, the same beginning', async () => {
    const other = (await tenant.client.post('/v1/conversations', { agent_id: (await agentOf()).agent_id })).body['id'];
    const foreign = (await tenant.client.post(`/v1/conversations/${other}/messages`, { content: 'Hi [[tokens=1]]' }))
      .body['message'].id;
    const chat = await ChatClient.connect(owner);
    const join = (last_event_id: string) =>
      chat.ask('conversation:join', { conversation_id: conversation, last_event_id });
    const newest = (await owner.get(`/v1/conversations/${conversation}/messages`)).body['data'].at(-1).id;
    const later = foreign.replace(/.{12}$/, 'ffffffffffff');
    for (const place of [foreign, later]) expect(await join(place)).toEqual({ ok: true, last_event_id: newest });
    await eventually(async () => expect(chat.toldOf('presence').length).toBeGreaterThan(0));
    expect(chat.events).toEqual([]);
    chat.close();
  });

  const agentOf = async () => (await owner.get(`/v1/conversations/${conversation}`)).body;

  it('takes no token that has expired, over the socket either', async () => {
    const jwk = JSON.parse(authSigningJwk) as JWK & { kid: string };
    const token = await new SignJWT({ tenant_id: tenant.tenant_id, role: 'admin', sid: randomUUID() })
      .setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid })
      .setSubject(tenant.user_id)
      .setIssuer('task-assistant')
      .setAudience('task-assistant')
      .setExpirationTime(1_000_000)
      .sign(await importJWK(jwk, 'EdDSA'));
    for (const gateway of gateways) {
      const attempt = ChatClient.connect(anonymous.at(gateway).withToken(token));
      await expect(attempt).rejects.toMatchObject({ message: 'unauthenticated', data: { code: 'unauthenticated' } });
    }
  });

  it.each(['/admin', '/chat/', '/CHAT', '/__proto__', '/constructor', `/${'x'.repeat(90)}`])(
    'has no namespace %j',
    async (name) => {
      const raw = await new RawSocket(gateways[1]).opened();
      raw.send(`40${name},${JSON.stringify({ token: owner.token })}`);
      await eventually(async () => expect(raw.received.some((text) => text.startsWith(`44${name},{`))).toBe(true));
    },
  );

  it('ends a socket that would join 10,000 conversations, and one that acknowledges what nobody asked', async () => {
    const joining = await new RawSocket(gateways[0]).connected(owner.token);
    for (let n = 0; n < 10_000; n += 1) {
      joining.send(`42/chat,${n}["conversation:join",{"conversation_id":"${randomUUID()}"}]`);
    }
    await joining.closed;
    const codes = joining.received.flatMap((text) => (text.startsWith('43') ? [codeOf(text)] : []));
    expect(codes.filter((code) => code !== 'not_found' && code !== 'rate_limited')).toEqual([]);
    // A burst, and what is earned until the last of them.
    expect(codes.filter((code) => code === 'not_found').length).toBeLessThan(200);
    expect(joining.received.some((text) => text.startsWith('42/chat,["closing",{"code":"rate_limited"'))).toBe(true);

    const acknowledging = await new RawSocket(gateways[0]).connected(owner.token);
    for (let n = 0; n < 10_000; n += 1) acknowledging.send(`43/chat,${n}[{"ok":true}]`);
    await acknowledging.closed;
  });

  const codeOf = (text: string): string => JSON.parse(text.slice(text.indexOf('[')))[0].error?.code;

  it('tells a stranger nothing of who is there and who types, whatever they try', async () => {
    const stranger = await colleague(tenant, 'member');
    const [theirs, ours] = [await ChatClient.connect(stranger.at(gateways[1])), await ChatClient.connect(owner)];
    const of = { conversation_id: conversation };
    for (const [event, payload] of [
      ['conversation:join', of],
      ['conversation:join', { ...of, last_event_id: conversation }],
      ['typing', { ...of, is_typing: true }],
      ['conversation:leave', of],
    ] as const)
      await theirs.ask(event, payload);
    expect(await ours.ask('conversation:join', of)).toMatchObject({ ok: true });
    await ours.ask('typing', { ...of, is_typing: true });
    await eventually(async () => expect(ours.toldOf('typing').length).toBeGreaterThan(0));
    await ours.ask('conversation:leave', of);
    // What had been sent to it before has come with this.
    await theirs.ask('conversation:leave', of);
    expect([...theirs.events, ...theirs.told]).toEqual([]);
    expect(ours.toldOf('presence').map(({ user_id }) => user_id)).not.toContain(idOfToken(stranger));
    for (const chat of [theirs, ours]) chat.close();
    expect((await stranger.get('/v1/conversations?q=Hi')).body['data']).toEqual([]);
  });
});

const idOfToken = ({ token = '' }: Client): string =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sub;
