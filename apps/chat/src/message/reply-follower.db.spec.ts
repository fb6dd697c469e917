import type { ChatMessage } from '@taai/contracts';
import { keys, log } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { startChat, type FakeOrchestrator, type TestChat } from '../chat.testing';
import { MessageHandler } from './message.handler';

let chat: TestChat;
let orchestrator: FakeOrchestrator;
let tenant: string;
let id: string;

beforeAll(async () => {
  chat = await startChat();
  ({ orchestrator } = chat);
});
afterAll(() => chat.close());

beforeEach(async () => {
  tenant = await chat.createTenant();
  const agent_id = await chat.createAgent(tenant);
  orchestrator.agent_id = agent_id;
  ({ id } = await chat.as(tenant, () => chat.conversations.create({ agent_id })));
});

type Replica = ReturnType<TestChat['replica']>;

const send = ({ messages, replies }: Replica, content: string, key?: string) =>
  chat.as(tenant, () => new MessageHandler(messages, replies).send({ id, content }), key);

/** What the event of the run's end comes to. */
const settle = ({ replies }: Replica, run_id: string) =>
  chat.as(tenant, () => replies.settle({ conversation_id: id, run_id }));

const said = async ({ messages }: Replica) =>
  (await chat.as(tenant, () => messages.list({ id, limit: 100 }))).data.map(({ content }) => content);

/** How many processes listen to the run. */
const listeners = async (run_id: string) => Number((await chat.redis.pubsub('NUMSUB', keys.runLive(run_id)))[1]);

const isFollowed = (run_id: string) => until(async () => (await listeners(run_id)) === 1);
const isLeft = (run_id: string) => until(async () => (await listeners(run_id)) === 0);

/** As a replica that is gone: it follows nothing, and its writes are over. */
const stop = ({ follower }: Replica) => follower.beforeApplicationShutdown();

const created = async () => (await chat.eventsOf(tenant, 'message.created')).map(({ content }) => content);

const shownTo = (run_id: string) =>
  orchestrator.started.get(run_id)?.messages.map(({ content }: ChatMessage) => content);

it('writes the reply when the run ends', async () => {
  const replica = chat.replica();
  const { run_id } = await send(replica, 'Hello');
  await orchestrator.tell(run_id, 'token', { text: 'Hi' });
  await isFollowed(run_id);
  expect(await said(replica)).toEqual(['Hello']);
  await orchestrator.finish(run_id, { status: 'completed', output: 'Hi!' });
  await until(async () => (await said(replica)).length === 2);
  expect(await said(replica)).toEqual(['Hello', 'Hi!']);
  expect(await created()).toEqual(['Hello', 'Hi!']);
  await isLeft(run_id);
});

it.each([
  ['cancelled', 'Half of', ['Hello', 'Half of']],
  ['failed', 'Half of', ['Hello', 'Half of']],
  ['cancelled', null, ['Hello']],
  ['failed', null, ['Hello']],
])('of a %s run that has said %j leaves %j', async (status, output, expected) => {
  const replica = chat.replica();
  const { run_id } = await send(replica, 'Hello');
  await isFollowed(run_id);
  await orchestrator.finish(run_id, { status, output });
  await isLeft(run_id);
  await stop(replica);
  expect(await said(replica)).toEqual(expected);
});

it('writes the reply of a run whose log is lost', async () => {
  const replica = chat.replica();
  const { run_id } = await send(replica, 'Hello');
  orchestrator.end(run_id, { status: 'completed', output: 'Hi!' });
  await until(async () => (await said(replica)).length === 2);
  expect(await created()).toEqual(['Hello', 'Hi!']);
});

it('that died leaves the reply to the event of the end, which writes it once', async () => {
  const [dead, other] = [chat.replica(), chat.replica()];
  const { run_id } = await send(dead, 'Hello');
  await stop(dead);
  await orchestrator.finish(run_id, { status: 'completed', output: 'Hi!' });
  expect(await said(other)).toEqual(['Hello']);
  for (let time = 0; time < 2; time += 1) await settle(other, run_id);
  expect(await said(other)).toEqual(['Hello', 'Hi!']);
  expect(await created()).toEqual(['Hello', 'Hi!']);
});

it('and the event, and a second follower, write one reply together', async () => {
  const replicas = [chat.replica(), chat.replica()];
  const [one, two] = replicas as [Replica, Replica];
  const { run_id } = await send(one, 'Hello', 'key');
  await send(two, 'Hello', 'key');
  await isFollowed(run_id);
  await orchestrator.finish(run_id, { status: 'completed', output: 'Hi!' });
  const settled = await Promise.all([one, two, one, two].map((replica) => settle(replica, run_id)));
  expect(new Set(settled.map(({ reply }) => reply?.id)).size).toBe(1);
  await isLeft(run_id);
  await Promise.all(replicas.map(stop));
  expect(await said(one)).toEqual(['Hello', 'Hi!']);
  expect(await created()).toEqual(['Hello', 'Hi!']);
});

it('that lags keeps no reply from the next message, which is sent once per key all the same', async () => {
  const [dead, other] = [chat.replica(), chat.replica()];
  const { run_id } = await send(dead, 'Hello');
  await stop(dead);
  await orchestrator.finish(run_id, { status: 'completed', output: 'Hi!' });
  const next = await send(other, 'How are you?', 'next');
  expect(shownTo(next.run_id)).toEqual(['Hello', 'Hi!', 'How are you?']);
  expect((await send(other, 'How are you?', 'next')).run_id).toBe(next.run_id);
  expect(await said(other)).toEqual(['Hello', 'Hi!', 'How are you?']);
});

it('races the next message, which is shown the reply whoever wins', async () => {
  const replica = chat.replica();
  const { run_id } = await send(replica, 'Hello');
  await isFollowed(run_id);
  await orchestrator.finish(run_id, { status: 'completed', output: 'Hi!' });
  const next = await send(replica, 'How are you?');
  expect(shownTo(next.run_id)).toEqual(['Hello', 'Hi!', 'How are you?']);
  expect(await created()).toEqual(['Hello', 'Hi!', 'How are you?']);
});

it('leaves a run that waits for a person to the event of its end', async () => {
  const replica = chat.replica();
  const { run_id } = await send(replica, 'Hello');
  await isFollowed(run_id);
  await orchestrator.tell(run_id, 'approval.required', { id: 'call_1', name: 'pay', arguments: {} });
  await isLeft(run_id);
  await orchestrator.finish(run_id, { status: 'completed', output: 'Done.' });
  await stop(replica);
  expect(await said(replica)).toEqual(['Hello']);
  await settle(replica, run_id);
  expect(await said(replica)).toEqual(['Hello', 'Done.']);
});

it('says nothing of a conversation that is gone', async () => {
  const warn = jest.spyOn(log, 'warn');
  const replica = chat.replica();
  const { run_id } = await send(replica, 'Hello');
  await isFollowed(run_id);
  await chat.as(tenant, () => chat.bin.remove(id, { permanent: false }));
  await orchestrator.finish(run_id, { status: 'completed', output: 'Hi!' });
  await isLeft(run_id);
  await stop(replica);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

it('ends when its replica stops, and follows nothing after', async () => {
  const replica = chat.replica();
  const runs = await Promise.all(['a', 'b', 'c'].map((content) => send(replica, content)));
  for (const { run_id } of runs) await isFollowed(run_id);
  await stop(replica);
  for (const { run_id } of runs) await isLeft(run_id);
  const read = jest.spyOn(chat.runLog, 'read');
  await send(replica, 'd');
  expect(read).not.toHaveBeenCalled();
  read.mockRestore();
});

it('follows a bounded number of runs', async () => {
  const read = jest.spyOn(chat.runLog, 'read');
  const replica = chat.replica();
  await chat.as(tenant, async () => {
    for (let n = 0; n < 1100; n += 1) replica.follower.follow({ conversation_id: id, run_id: v7() });
  });
  expect(read).toHaveBeenCalledTimes(1000);
  await stop(replica);
  read.mockRestore();
});
