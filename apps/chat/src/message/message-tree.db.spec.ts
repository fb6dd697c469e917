import type { Message } from '@taai/contracts';
import { v7 } from 'uuid';
import { startChat, type TestChat } from '../chat.testing';
import { MessageHandler } from './message.handler';

let chat: TestChat;
let { messages, replies }: Pick<ReturnType<TestChat['replica']>, 'messages' | 'replies'> = {} as never;
let tenant: string;
let agent_id: string;
let id: string;

beforeAll(async () => {
  chat = await startChat();
  const { follower, ...services } = chat.replica();
  ({ messages, replies } = services);
  // Replies are written when the test says so.
  await follower.beforeApplicationShutdown();
});
afterAll(() => chat.close());

beforeEach(async () => {
  tenant = await chat.createTenant();
  agent_id = await chat.createAgent(tenant);
  chat.orchestrator.agent_id = agent_id;
  ({ id } = await as(() => chat.conversations.create({ agent_id })));
});

const as = <T>(work: () => Promise<T>, key?: string) => chat.as(tenant, work, key);

const send = (content: string, parent_message_id?: string | null) =>
  as(() => messages.send({ id, content, ...(parent_message_id !== undefined && { parent_message_id }) }));

const regenerate = (message: string, key?: string) =>
  as(() => new MessageHandler(messages, replies).regenerate({ id: message }), key);

/** Ends the run with an answer, and resolves to the message that it became. */
async function answer(run_id: string, output: string, conversation_id = id): Promise<Message> {
  chat.orchestrator.end(run_id, { status: 'completed', output });
  const { reply } = await as(() => replies.settle({ conversation_id, run_id }));
  if (!reply) throw new Error('A run that has ended has its reply.');
  return reply;
}

const shownTo = (run_id: string) => chat.orchestrator.started.get(run_id)?.messages.map(({ content }) => content);

/** Each message of a conversation and what it goes on from, by their contents. */
async function tree(conversation = id): Promise<string[]> {
  const { data } = await as(() => messages.list({ id: conversation, limit: 100 }));
  const contents = new Map(data.map((message) => [message.id, message.content]));
  return data.map(({ content, parent_message_id }) => `${contents.get(parent_message_id ?? '') ?? '-'} > ${content}`);
}

describe('a conversation', () => {
  it('goes on from its newest message', async () => {
    const first = await send('1');
    const reply = await answer(first.run_id, 'one');
    expect([first.message.parent_message_id, reply.parent_message_id]).toEqual([null, first.message.id]);
    const second = await send('2');
    await answer(second.run_id, 'two');
    expect(await tree()).toEqual(['- > 1', '1 > one', 'one > 2', '2 > two']);
    expect(shownTo(second.run_id)).toEqual(['1', 'one', '2']);
  });

  it('keeps both branches of a message that is said anew, and shows the agent the one that leads to it', async () => {
    const first = await send('1');
    const reply = await answer(first.run_id, 'one');
    await answer((await send('2')).run_id, 'two');
    const edited = await send('2b', reply.id);
    expect(shownTo(edited.run_id)).toEqual(['1', 'one', '2b']);
    const anew = await send('1b', null);
    expect(shownTo(anew.run_id)).toEqual(['1b']);
    expect(await tree()).toEqual(['- > 1', '1 > one', 'one > 2', '2 > two', 'one > 2b', '- > 1b']);
  });

  it('goes on from what was asked last, though earlier questions are answered later, and shows each with its answer', async () => {
    const [first, second] = [await send('1'), await send('2')];
    expect(chat.orchestrator.started.get(second.run_id)?.messages).toMatchObject([
      { content: '1', run_id: first.run_id },
      { content: '2', run_id: null },
    ]);
    await answer(first.run_id, 'one');
    const third = await send('3');
    expect(shownTo(third.run_id)).toEqual(['1', 'one', '2', '3']);
    const late = await answer(second.run_id, 'two');
    const fourth = await send('4');
    expect(shownTo(fourth.run_id)).toEqual(['1', 'one', '2', 'two', '3', '4']);
    await answer(fourth.run_id, 'four');
    await answer(third.run_id, 'three');
    const fifth = await send('5');
    expect(shownTo(fifth.run_id)).toEqual(['1', 'one', '2', 'two', '3', 'three', '4', 'four', '5']);
    expect((await tree()).filter((line) => /^[0-9a-z-]+ > \d$/.test(line))).toEqual([
      '- > 1',
      '1 > 2',
      '2 > 3',
      '3 > 4',
      'four > 5',
    ]);
    const fork = await as(() => chat.conversations.fork({ id, message_id: fifth.message.id }));
    expect(await tree(fork.id)).toHaveLength(9);
    expect(late.parent_message_id).toBe(second.message.id);
  });

  it('takes many messages with a parent at once, each by one connection', async () => {
    const { message } = await send('0', null);
    await Promise.all(Array.from({ length: 20 }, (_, n) => send(`${n + 1}`, message.id)));
    expect((await tree()).filter((line) => line.startsWith('0 > '))).toHaveLength(20);
  });

  it('refuses a parent that is elsewhere', async () => {
    const other = await as(() => chat.conversations.create({ agent_id }));
    const { message } = await as(() => messages.send({ id: other.id, content: 'Elsewhere' }));
    for (const parent of [message.id, v7()])
      await expect(send('1', parent)).rejects.toMatchObject({ code: 'not_found' });
    expect(await tree()).toEqual([]);
  });
});

describe('an answer', () => {
  it('that is given anew stays beside the others, whether it or its question is named', async () => {
    const { message, run_id } = await send('1');
    const first = await answer(run_id, 'one');
    const again = await regenerate(first.id);
    expect(again).toMatchObject({ message: { id: message.id }, reply: null });
    expect(shownTo(again.run_id)).toEqual(['1']);
    const second = await answer(again.run_id, 'uno');
    const third = await answer((await regenerate(message.id)).run_id, 'une');
    expect([second.parent_message_id, third.parent_message_id]).toEqual([message.id, message.id]);
    expect(await tree()).toEqual(['- > 1', '1 > one', '1 > uno', '1 > une']);
    const next = await send('2', second.id);
    expect(shownTo(next.run_id)).toEqual(['1', 'uno', '2']);
  });

  it('is given anew once per key', async () => {
    const { message } = await send('1');
    const [first, again] = [await regenerate(message.id, 'key'), await regenerate(message.id, 'key')];
    expect(again.run_id).toBe(first.run_id);
  });

  it('that nobody has written yet is written before the next message', async () => {
    const { message, run_id } = await send('1');
    await answer(run_id, 'one');
    const again = await regenerate(message.id);
    chat.orchestrator.end(again.run_id, { status: 'completed', output: 'uno' });
    const next = await send('2');
    expect(shownTo(next.run_id)).toEqual(['1', 'uno', '2']);
  });

  it('is not given by who only reads, nor to who does not see it', async () => {
    const { message } = await send('1');
    const [reader, stranger] = [await chat.createUser(tenant), await chat.createUser(tenant)];
    await as(() => chat.participants.add({ id, user_id: reader, role: 'reader' }));
    const ask = (user: string) => chat.asUser(tenant, user, () => messages.regenerate(message.id));
    await expect(ask(reader)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(ask(stranger)).rejects.toMatchObject({ code: 'not_found', message: 'There is no such message.' });
  });
});

describe('a fork', () => {
  it('has copies of the branch up to a message, belongs to who made it, and goes on by itself', async () => {
    const first = await send('1');
    const reply = await answer(first.run_id, 'one');
    await answer((await send('2')).run_id, 'two');
    await send('2b', reply.id);
    const reader = await chat.createUser(tenant);
    await as(() => chat.participants.add({ id, user_id: reader, role: 'reader' }));
    const fork = await chat.asUser(tenant, reader, () => chat.conversations.fork({ id, message_id: reply.id }));
    expect(fork).toMatchObject({ agent_id, user_id: reader });
    expect(await tree(fork.id)).toEqual(['- > 1', '1 > one']);
    const next = await chat.asUser(tenant, reader, () => messages.send({ id: fork.id, content: '3' }));
    expect(shownTo(next.run_id)).toEqual(['1', 'one', '3']);
    expect(await tree()).toHaveLength(5);
  });

  it('of a message that is elsewhere is refused', async () => {
    const other = await as(() => chat.conversations.create({ agent_id }));
    const { message } = await as(() => messages.send({ id: other.id, content: 'Elsewhere' }));
    const fork = as(() => chat.conversations.fork({ id, message_id: message.id }));
    await expect(fork).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('feedback', () => {
  const said = async (message: string) =>
    (await as(() => chat.feedback.list(message))).data.map(({ rating, comment }) => [rating, comment]);

  it('is for answers, one of each participant, and is taken back', async () => {
    const { message, run_id } = await send('1');
    const reply = await answer(run_id, 'one');
    const [reader, stranger] = [await chat.createUser(tenant), await chat.createUser(tenant)];
    await as(() => chat.participants.add({ id, user_id: reader, role: 'reader' }));
    await as(() => chat.feedback.give({ id: reply.id, rating: 'down' }));
    await as(() => chat.feedback.give({ id: reply.id, rating: 'up', comment: 'Better.' }));
    await chat.asUser(tenant, reader, () => chat.feedback.give({ id: reply.id, rating: 'down' }));
    expect(await said(reply.id)).toEqual([
      ['up', 'Better.'],
      ['down', null],
    ]);
    await as(() => chat.feedback.withdraw(reply.id));
    expect(await said(reply.id)).toEqual([['down', null]]);
    const refused = (work: () => Promise<unknown>, user = chat.user_id) =>
      expect(chat.asUser(tenant, user, work)).rejects;
    await refused(() => chat.feedback.withdraw(reply.id)).toMatchObject({ code: 'not_found' });
    await refused(() => chat.feedback.give({ id: message.id, rating: 'up' })).toMatchObject({ code: 'conflict' });
    await refused(() => chat.feedback.give({ id: reply.id, rating: 'up' }), stranger).toMatchObject({
      code: 'not_found',
    });
  });
});

describe('conversations in lists', () => {
  const listed = async (filters = {}) =>
    (await as(() => chat.conversations.list({ limit: 20, ...filters }))).data.map((conversation) => conversation.id);

  it('are put away and taken out by their owner, and pinned by each for themselves', async () => {
    const other = (await as(() => chat.conversations.create({ agent_id, metadata: { ticket: 4711 } }))).id;
    const reader = await chat.createUser(tenant);
    await as(() => chat.participants.add({ id, user_id: reader, role: 'reader' }));
    const change = (fields: object, user = chat.user_id) =>
      chat.asUser(tenant, user, () => chat.conversations.update({ id, ...fields }));

    expect(await change({ is_pinned: true })).toMatchObject({ id, pinned_at: expect.any(Date), archived_at: null });
    expect([await listed({ pinned: 'true' }), await listed({ pinned: 'false' })]).toEqual([[id], [other]]);
    expect(await change({ is_pinned: true }, reader)).toMatchObject({ pinned_at: expect.any(Date) });
    await change({ is_pinned: false });
    expect(await listed({ pinned: 'true' })).toEqual([]);

    await expect(change({ is_archived: true }, reader)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await change({ is_archived: true })).toMatchObject({ archived_at: expect.any(Date) });
    expect([await listed(), await listed({ archived: 'true' })]).toEqual([[other], [id]]);
    await change({ is_archived: false });
    expect(await listed()).toEqual([other, id]);
  });

  it('bring what was noted with them, within bounds', async () => {
    const update = (metadata: object) => as(() => chat.conversations.update({ id, metadata: { ...metadata } }));
    expect(await update({ ticket: '4711' })).toMatchObject({ metadata: { ticket: '4711' }, title: null });
    await expect(update({ note: 'x'.repeat(5000) })).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('are not pinned by who does not take part, whatever they may do else', async () => {
    const stranger = await chat.createUser(tenant);
    const pin = () => chat.conversations.update({ id, is_pinned: true });
    await expect(chat.asUser(tenant, stranger, pin, '*:*')).rejects.toMatchObject({ code: 'forbidden' });
  });
});
