import { ProblemError, type Message } from '@taai/contracts';
import { v7 } from 'uuid';
import { startChat, type FakeOrchestrator, type TestChat } from '../chat.testing';
import { ConversationHandler } from './conversation.handler';
import type { ConversationService } from './conversation.service';
import { MessageHandler } from '../message/message.handler';
import type { MessageService } from '../message/message.service';
import type { ReplyService } from '../message/reply.service';

let chat: TestChat;
let orchestrator: FakeOrchestrator;
let conversations: ConversationService;
let messages: MessageService;
let replies: ReplyService;
let tenant: string;
let agent_id: string;

beforeAll(async () => {
  chat = await startChat();
  ({ orchestrator, conversations } = chat);
  const { follower, ...services } = chat.replica();
  ({ messages, replies } = services);
  // Replies are written when the test says so.
  await follower.beforeApplicationShutdown();
});
afterAll(() => chat.close());

beforeEach(async () => {
  orchestrator.refusal = undefined;
  tenant = await chat.createTenant();
  agent_id = await chat.createAgent(tenant);
  orchestrator.agent_id = agent_id;
});

const as: TestChat['as'] = (tenant_id, work, key) => chat.as(tenant_id, work, key);
const open = () => as(tenant, () => conversations.create({ agent_id }));
const send = (id: string, content: string, key?: string) =>
  as(tenant, () => new MessageHandler(messages, replies).send({ id, content }), key);
const settle = (conversation_id: string, run_id: string) =>
  as(tenant, () => replies.settle({ conversation_id, run_id }));
const eventsOf = (type: string) => chat.eventsOf(tenant, type);

const said = async (id: string) =>
  (await as(tenant, () => messages.list({ id, limit: 100 }))).data.map(({ role, content }) => [role, content]);

describe('conversations', () => {
  it('are created, renamed, listed newest first and removed with their messages', async () => {
    const first = await open();
    expect(first).toMatchObject({ agent_id, title: null, user_id: chat.user_id, last_message_at: null });
    const second = await as(tenant, () => conversations.create({ agent_id, title: 'Second' }));
    await send(first.id, 'Hello');
    const { data } = await as(tenant, () => conversations.list({ limit: 20 }));
    expect(data.map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(data[1]?.last_message_at).toBeInstanceOf(Date);
    expect(await as(tenant, () => conversations.update({ id: first.id, title: 'First' }))).toMatchObject({
      title: 'First',
    });
    await as(tenant, () => chat.bin.remove(first.id, { permanent: false }));
    await expect(as(tenant, () => conversations.get(first.id))).rejects.toMatchObject({ code: 'not_found' });
    expect(await eventsOf('conversation.created')).toMatchObject([{ id: first.id }, { id: second.id }]);
  });

  it('want an agent that exists', async () => {
    const create = as(tenant, () => conversations.create({ agent_id: v7() }));
    await expect(create).rejects.toMatchObject({ code: 'not_found', message: 'There is no such agent.' });
  });

  it('are created once per Idempotency-Key', async () => {
    const create = () => as(tenant, () => new ConversationHandler(conversations, chat.bin).create({ agent_id }), 'key');
    const [first, again] = [await create(), await create()];
    expect(again.id).toBe(first.id);
    expect(await eventsOf('conversation.created')).toHaveLength(1);
  });

  it('of another tenant are absent, whatever is done to them', async () => {
    const { id } = await open();
    const stranger = await chat.createTenant();
    const attempts: (() => Promise<unknown>)[] = [
      () => conversations.get(id),
      () => conversations.update({ id, title: null }),
      () => chat.bin.remove(id, { permanent: false }),
      () => messages.send({ id, content: 'Hello' }),
      () => messages.list({ id, limit: 20 }),
    ];
    for (const attempt of attempts) {
      await expect(as(stranger, attempt)).rejects.toMatchObject({ code: 'not_found' });
    }
  });
});

describe('a message', () => {
  it('is written with its run, told of, and answered by the run that it starts', async () => {
    const { id } = await open();
    const { message, reply, run_id } = await send(id, 'Hello');
    expect(message).toMatchObject({
      role: 'user',
      content: 'Hello',
      conversation_id: id,
      run_id,
      user_id: chat.user_id,
    });
    expect(reply).toBeNull();
    expect(orchestrator.started.get(run_id)).toEqual({
      agent_id,
      conversation_id: id,
      run_id,
      messages: [{ role: 'user', content: 'Hello', run_id: null, attachments: [] }],
    });
    expect(await eventsOf('message.created')).toMatchObject([{ id: message.id, role: 'user' }]);
  });

  it('shows the agent the last 20 messages in order, itself included', async () => {
    const { id } = await open();
    for (let n = 1; n <= 12; n += 1) {
      const { run_id } = await send(id, `question ${n}`);
      orchestrator.end(run_id, { status: 'completed', output: `answer ${n}` });
    }
    const { run_id } = await send(id, 'question 13');
    const expected = ['answer 3'];
    for (let n = 4; n <= 12; n += 1) expected.push(`question ${n}`, `answer ${n}`);
    expect(orchestrator.started.get(run_id)?.messages.map(({ content }) => content)).toEqual([
      ...expected,
      'question 13',
    ]);
  });

  it('shows the agent no more than a call can carry, and always itself', async () => {
    const { id } = await open();
    for (let n = 1; n <= 4; n += 1) {
      const { run_id } = await send(id, 'ü'.repeat(100_000));
      orchestrator.end(run_id, { status: 'completed', output: 'z'.repeat(300_000) });
    }
    const { run_id } = await send(id, 'x'.repeat(100_000));
    const shown = orchestrator.started.get(run_id)?.messages ?? [];
    expect(shown.map(({ content }) => content[0])).toEqual(['ü', 'z', 'ü', 'z', 'x']);
  });

  it('sees the one before it when both are sent at once', async () => {
    const { id } = await open();
    const sent = await Promise.all(['a', 'b', 'c', 'd'].map((content) => send(id, content)));
    const order = (await said(id)).map(([, content]) => content);
    for (const { message, run_id } of sent) {
      const before = order.slice(0, order.indexOf(message.content) + 1);
      expect(orchestrator.started.get(run_id)?.messages.map(({ content }) => content)).toEqual(before);
    }
  });

  it('stays when its run cannot be started, and the same request takes it up with the same run', async () => {
    const { id } = await open();
    orchestrator.refusal = new ProblemError('service_unavailable');
    await expect(send(id, 'Hello', 'key')).rejects.toBe(orchestrator.refusal);
    expect(await said(id)).toEqual([['user', 'Hello']]);
    orchestrator.refusal = undefined;
    const { message, run_id } = await send(id, 'Hello', 'key');
    expect(message.run_id).toBe(run_id);
    expect(orchestrator.started.has(run_id)).toBe(true);
    expect(await said(id)).toEqual([['user', 'Hello']]);
    await expect(send(id, 'Something else', 'key')).rejects.toMatchObject({ code: 'idempotency_mismatch' });
  });

  it('with a key comes behind the answer to the one before, too', async () => {
    const { id } = await open();
    const { run_id } = await send(id, 'Hello');
    orchestrator.end(run_id, { status: 'completed', output: 'Hi' });
    await send(id, 'Again', 'key');
    await send(id, 'Again', 'key');
    expect(await said(id)).toEqual([
      ['user', 'Hello'],
      ['assistant', 'Hi'],
      ['user', 'Again'],
    ]);
  });

  it('without a run does not keep the next one back', async () => {
    const { id } = await open();
    orchestrator.refusal = new ProblemError('agent_not_ready');
    await expect(send(id, 'Hello')).rejects.toBe(orchestrator.refusal);
    orchestrator.refusal = undefined;
    const { run_id } = await send(id, 'Hello again');
    expect(orchestrator.started.get(run_id)?.messages).toHaveLength(2);
  });
});

describe('the list of messages', () => {
  it('goes from the oldest to the newest', async () => {
    const { id } = await open();
    for (const content of ['1', '2', '3', '4', '5']) await send(id, content);
    const pages: Message[][] = [];
    let cursor: string | undefined;
    do {
      const page = await as(tenant, () => messages.list({ id, limit: 2, ...(cursor && { cursor }) }));
      pages.push(page.data);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(pages.map((page) => page.map(({ content }) => content))).toEqual([['1', '2'], ['3', '4'], ['5']]);
  });

  it('ends a page where a call could carry no more', async () => {
    const { id } = await open();
    for (let n = 0; n < 16; n += 1) await send(id, 'x'.repeat(100_000));
    const page = await as(tenant, () => messages.list({ id, limit: 100 }));
    expect(page.data).toHaveLength(13);
    const rest = await as(tenant, () => messages.list({ id, limit: 100, cursor: page.next_cursor ?? '' }));
    expect(rest).toMatchObject({ data: { length: 3 }, has_more: false });
  });
});

describe('settling', () => {
  it('writes one reply, however often and however parallel it is asked for', async () => {
    const { id } = await open();
    const { run_id } = await send(id, 'Hello');
    expect(await settle(id, run_id)).toEqual({ reply: null });
    orchestrator.end(run_id, { status: 'completed', output: 'Hi!' });
    const settled = await Promise.all(Array.from({ length: 8 }, () => settle(id, run_id)));
    expect(new Set(settled.map(({ reply }) => reply?.id)).size).toBe(1);
    expect(settled[0]?.reply).toMatchObject({ role: 'assistant', content: 'Hi!', run_id, user_id: null });
    expect(await said(id)).toEqual([
      ['user', 'Hello'],
      ['assistant', 'Hi!'],
    ]);
    expect(await eventsOf('message.created')).toHaveLength(2);
  });

  it('is done by the next message for runs that nobody settled', async () => {
    const { id } = await open();
    const { run_id } = await send(id, 'Hello');
    orchestrator.end(run_id, { status: 'completed', output: 'Hi!' });
    await send(id, 'How are you?');
    expect(await said(id)).toEqual([
      ['user', 'Hello'],
      ['assistant', 'Hi!'],
      ['user', 'How are you?'],
    ]);
  });

  it.each([
    ['completed', '', ''],
    ['cancelled', 'Half of', 'Half of'],
    ['cancelled', null, null],
    ['failed', null, null],
    ['failed', '', null],
  ])('of a %s run with the output %j replies %j', async (status, output, content) => {
    const { id } = await open();
    const { run_id } = await send(id, 'Hello');
    orchestrator.end(run_id, { status, output });
    const { reply } = await settle(id, run_id);
    expect(reply && reply.content).toBe(content);
    expect(await said(id)).toHaveLength(content === null ? 1 : 2);
  });

  it('knows no run of another conversation, and none of a conversation that is gone', async () => {
    const [here, there] = [await open(), await open()];
    const { run_id } = await send(here.id, 'Hello');
    orchestrator.end(run_id, { status: 'completed', output: 'Hi!' });
    await expect(settle(there.id, run_id)).rejects.toMatchObject({ code: 'not_found' });
    await as(tenant, () => chat.bin.remove(here.id, { permanent: false }));
    await expect(settle(here.id, run_id)).rejects.toMatchObject({ code: 'not_found' });
  });
});
