import { ProblemError } from '@taai/contracts';
import { keys } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { startChat, type FakeOrchestrator, type TestChat } from '../chat.testing';
import type { MessageService } from '../message/message.service';
import type { ReplyService } from '../message/reply.service';

let chat: TestChat;
let orchestrator: FakeOrchestrator;
let messages: MessageService;
let replies: ReplyService;
let tenant: string;
let id: string;

beforeAll(async () => {
  chat = await startChat();
  ({ orchestrator } = chat);
  const { follower, ...services } = chat.replica();
  ({ messages, replies } = services);
  // Replies are written when the test says so.
  await follower.beforeApplicationShutdown();
});
afterAll(() => chat.close());

beforeEach(async () => {
  orchestrator.refusal = undefined;
  tenant = await chat.createTenant();
  orchestrator.agent_id = await chat.createAgent(tenant);
  const { agent_id } = orchestrator;
  ({ id } = await as(() => chat.conversations.create({ agent_id })));
});

const as = <T>(work: () => Promise<T>) => chat.as(tenant, work);
const send = (content: string) => as(() => messages.send({ id, content }));
const answer = async (run_id: string, status = 'completed') => {
  orchestrator.end(run_id, { status, output: status === 'failed' ? null : 'Yes.' });
  return as(() => replies.settle({ conversation_id: id, run_id }));
};
const start = (last_event_id?: string) => as(() => chat.events.start({ id, ...(last_event_id && { last_event_id }) }));

describe('a stream of a conversation', () => {
  it('without a place begins now: behind the newest message, with the runs that are at work', async () => {
    expect(await start()).toEqual({ last_event_id: id, runs: [], title: null });
    const done = await send('one');
    await answer(done.run_id);
    const failed = await send('two');
    await answer(failed.run_id, 'failed');
    const open = await send('three');
    expect(await start()).toEqual({ last_event_id: open.message.id, runs: [open.run_id], title: null });
  });

  it('with a place goes on there, with the runs whose answer came later', async () => {
    const first = await send('one');
    const { reply } = await answer(first.run_id);
    const second = await send('two');
    expect(await start(id)).toEqual({ last_event_id: id, runs: [], title: null });
    expect(await start(first.message.id)).toEqual({
      last_event_id: first.message.id,
      runs: [first.run_id],
      title: null,
    });
    expect(await start(reply?.id)).toEqual({ last_event_id: reply?.id, runs: [], title: null });
    expect(await start(second.message.id.toUpperCase())).toEqual({
      last_event_id: second.message.id,
      runs: [second.run_id],
      title: null,
    });
  });

  it('at a place that is yet to come begins now, because it would hide what comes until then', async () => {
    const { message, run_id } = await send('one');
    expect(await start('ffffffff-ffff-7fff-8fff-ffffffffffff')).toEqual({
      last_event_id: message.id,
      runs: [run_id],
      title: null,
    });
  });

  it('tells the end of a run that failed just before, which the reader may lack', async () => {
    const { message, run_id } = await send('one');
    await answer(run_id, 'failed');
    expect(await start(message.id)).toMatchObject({ runs: [run_id], title: null });
  });

  it('knows the runs that answer a message once more', async () => {
    const first = await send('one');
    const { reply } = await answer(first.run_id);
    const again = await as(() => messages.regenerate(first.message.id));
    const after = (known = '') => as(() => chat.events.after({ conversation_id: id, after: known }));
    expect(await after(reply?.id)).toEqual({ messages: [], has_more: false, runs: [again.run_id], title: null });
    const second = await answer(again.run_id);
    expect(await after(second.reply?.id)).toEqual({ messages: [], has_more: false, runs: [], title: null });
    const third = await as(() => messages.regenerate(first.message.id));
    const { message, run_id } = await send('two');
    expect(await start()).toEqual({ last_event_id: message.id, runs: [third.run_id, run_id], title: null });
  });

  it('passes over a run that was never started', async () => {
    orchestrator.refusal = new ProblemError('agent_not_ready');
    await expect(send('one')).rejects.toBe(orchestrator.refusal);
    expect((await start()).runs).toEqual([]);
  });

  it('is not there for strangers', async () => {
    const stranger = await chat.createUser(tenant);
    const attempt = chat.asUser(tenant, stranger, () => chat.events.start({ id }));
    await expect(attempt).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('new messages', () => {
  it('come page by page, as many as one call carries', async () => {
    for (let n = 0; n < 16; n += 1) await send('x'.repeat(100_000));
    const first = await as(() => chat.events.after({ conversation_id: id, after: id }));
    expect([first.messages.length, first.has_more]).toEqual([13, true]);
    const after = first.messages.at(-1)?.id ?? '';
    const rest = await as(() => chat.events.after({ conversation_id: id, after }));
    expect([rest.messages.length, rest.has_more]).toEqual([3, false]);
  });

  it('come behind what a replica wrote whose clock is ahead', async () => {
    const ahead = v7({ msecs: Date.now() + 60_000 });
    const { message, run_id } = await send('one');
    await chat.admin('update messages set id = $1 where id = $2', [ahead, message.id]);
    const after = async (known: string) => as(() => chat.events.after({ conversation_id: id, after: known }));
    const { reply } = await answer(run_id);
    const again = await as(() => messages.regenerate(ahead));
    const next = await send('two');
    const ids = [ahead, reply?.id, again.run_id, next.message.id];
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(4);
    expect(await after(ahead)).toMatchObject({ messages: [{ id: reply?.id }, { id: ids[3] }], runs: [again.run_id] });
    expect((await as(() => messages.list({ id, limit: 10 }))).data.map((one) => one.id)).toEqual([
      ahead,
      reply?.id,
      ids[3],
    ]);
  });

  it('come in one order, whoever writes them at once', async () => {
    const known: string[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const sent = await Promise.all(['a', 'b', 'c', 'd'].map((name) => send(`${turn} ${name}`)));
      const page = await as(() => chat.events.after({ conversation_id: id, after: known.at(-1) ?? id }));
      expect(page.messages.map((one) => one.id)).toEqual(sent.map(({ message }) => message.id).sort());
      known.push(...page.messages.map((one) => one.id));
    }
  });

  it('are known of many conversations by one question', async () => {
    const { agent_id } = orchestrator;
    const empty = await as(() => chat.conversations.create({ agent_id }));
    await send('one');
    const { message } = await send('two');
    const newest = await as(() => chat.events.newest({ conversation_ids: [id, empty.id, v7()] }));
    expect(newest).toEqual({ newest: { [id]: message.id } });
    const { run_id } = await as(() => messages.regenerate(message.id));
    expect(await as(() => chat.events.newest({ conversation_ids: [id] }))).toEqual({ newest: { [id]: run_id } });
    const other = await chat.createTenant();
    expect(await chat.as(other, () => chat.events.newest({ conversation_ids: [id] }))).toEqual({ newest: {} });
  });

  it('are announced once they are committed, those of users and those of agents', async () => {
    const subscriber = testRedis('subscriber');
    try {
      const counts: number[] = [];
      const count = async () => (await as(() => messages.list({ id, limit: 100 }))).data.length;
      subscriber.on('message', () => void count().then((found) => counts.push(found)));
      await until(() => subscriber.status === 'ready');
      await subscriber.subscribe(keys.conversationLive(id));
      const { run_id } = await send('one');
      await until(() => counts.length === 1);
      await answer(run_id);
      await until(() => counts.length === 2);
      expect(counts).toEqual([1, 2]);
      await answer(run_id);
      await send('two');
      await until(() => counts.length === 3);
      expect(counts).toEqual([1, 2, 3]);
    } finally {
      subscriber.disconnect();
    }
  });
});
