import { startChat, type TestChat } from '../chat.testing';
import { ShareHandler } from './share.handler';

let chat: TestChat;
let messages: ReturnType<TestChat['replica']>['messages'];
let tenant: string;
let id: string;

beforeAll(async () => {
  chat = await startChat();
  ({ messages } = chat.replica());
});
afterAll(() => chat.close());

beforeEach(async () => {
  tenant = await chat.createTenant();
  const agent_id = await chat.createAgent(tenant);
  chat.orchestrator.agent_id = agent_id;
  ({ id } = await as(() => chat.conversations.create({ agent_id, title: 'Invoices' })));
  await as(() => messages.send({ id, content: 'Hello' }));
});

const as = <T>(work: () => Promise<T>, key?: string) => chat.as(tenant, work, key);
const share = (fields = {}, key?: string) => as(() => new ShareHandler(chat.shares).create({ id, ...fields }), key);
const read = (token: string, page = { limit: 20 }) => chat.shares.read({ token, ...page });
const absent = expect.objectContaining({ code: 'not_found', message: 'There is no such link.' });

describe('a link', () => {
  it('shows the conversation to whoever has it, what is said later too, and nothing of who says it', async () => {
    const { token, url } = await share();
    expect(url).toBe(`https://app.example.com/v1/shared/${token}`);
    await as(() => messages.send({ id, content: 'Again' }));
    const { title, data } = await read(token);
    expect([title, data.map(({ content }) => content)]).toEqual(['Invoices', ['Hello', 'Again']]);
    expect(Object.keys(data[0] ?? {}).sort()).toEqual(['content', 'created_at', 'id', 'parent_message_id', 'role']);
    const [first] = [await read(token, { limit: 1 })];
    const next = await chat.shares.read({ token, limit: 1, cursor: first.next_cursor ?? '' });
    expect(next).toMatchObject({ data: [{ content: 'Again' }], has_more: false });
  });

  it('shows nothing once it is revoked, has expired, or its tenant is suspended', async () => {
    const [revoked, expired, living] = [
      await share(),
      await share({ expires_at: '2999-01-01T00:00:00Z' }),
      await share(),
    ];
    await as(() => chat.shares.revoke(revoked.id));
    await chat.expire(expired.id);
    for (const { token } of [revoked, expired]) await expect(read(token)).rejects.toEqual(absent);
    expect((await as(() => chat.shares.list(id))).data.map((link) => link.id)).toEqual([living.id]);
    await expect(as(() => chat.shares.revoke(revoked.id))).rejects.toEqual(absent);
    await chat.suspend(tenant);
    await expect(read(living.token)).rejects.toEqual(absent);
  });

  it('is followed from a message on, or from now, while it works', async () => {
    const { token } = await share({ expires_at: '2999-01-01T00:00:00Z' });
    const [first] = (await read(token)).data;
    await as(() => messages.send({ id, content: 'Again' }));
    const follow = (last_event_id?: string) => chat.shares.follow({ token, ...(last_event_id && { last_event_id }) });
    const start = { tenant_id: tenant, conversation_id: id, expires_at: new Date('2999-01-01T00:00:00Z') };
    expect(await follow(first?.id.toUpperCase())).toMatchObject({ ...start, last_event_id: first?.id });
    const newest = (await read(token)).data[1]?.id;
    for (const known of [undefined, 'ffffffff-ffff-ffff-ffff-ffffffffffff'])
      expect(await follow(known)).toMatchObject({ last_event_id: newest });
    const [link] = (await as(() => chat.shares.list(id))).data;
    await as(() => chat.shares.revoke(link?.id ?? ''));
    await expect(follow()).rejects.toEqual(absent);
  });

  it('ends with the conversation', async () => {
    const { token } = await share();
    await as(() => chat.bin.remove(id, { permanent: false }));
    await expect(read(token)).rejects.toEqual(absent);
  });

  it('that nobody made shows nothing', async () => {
    await expect(read('A'.repeat(43))).rejects.toEqual(absent);
  });

  it('is made once per key, and shown once', async () => {
    await share({}, 'key');
    await expect(share({}, 'key')).rejects.toMatchObject({ code: 'conflict' });
    expect((await as(() => chat.shares.list(id))).data).toHaveLength(1);
  });

  it.each(['2001-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '2026-W01'])('does not expire at %s', async (expires_at) => {
    await expect(share({ expires_at })).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('is made, listed and revoked by the owner alone, and audited without its secret', async () => {
    const link = await share();
    const [reader, stranger] = [await chat.createUser(tenant), await chat.createUser(tenant)];
    await as(() => chat.participants.add({ id, user_id: reader, role: 'writer' }));
    const attempts: (() => Promise<unknown>)[] = [
      () => chat.shares.create({ id }),
      () => chat.shares.list(id),
      () => chat.shares.revoke(link.id),
    ];
    for (const attempt of attempts) {
      await expect(chat.asUser(tenant, reader, attempt)).rejects.toMatchObject({ code: 'forbidden' });
      await expect(chat.asUser(tenant, stranger, attempt)).rejects.toMatchObject({ code: 'not_found' });
    }
    const entries = await chat.eventsOf(tenant, 'audit.recorded');
    expect(entries.map(({ action }) => action)).toContain('conversation_share.created');
    expect(JSON.stringify(entries)).not.toContain(link.token);
  });
});
