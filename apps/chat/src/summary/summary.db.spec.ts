import { ProblemError, type Message, type WriteSummary } from '@taai/contracts';
import { keys } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { startChat, type TestChat } from '../chat.testing';

let chat: TestChat;
let replicas: ReturnType<TestChat['replica']>[];
let tenant: string;
let agent_id: string;
let id: string;

beforeAll(async () => {
  chat = await startChat();
  replicas = [chat.replica(), chat.replica()];
  // Replies are written when the test says so.
  await Promise.all(replicas.map(({ follower }) => follower.beforeApplicationShutdown()));
});
afterAll(() => chat.close());

const tell = async ({ previous, messages }: WriteSummary) =>
  [...(previous ? [previous] : []), ...messages.map(({ content }) => content)].join(' ');

beforeEach(async () => {
  chat.orchestrator.summarized.length = 0;
  chat.orchestrator.summarize = tell;
  chat.orchestrator.holds = Infinity;
  tenant = await chat.createTenant();
  agent_id = await chat.createAgent(tenant);
  await chat.setWindow(agent_id, 4, true);
  chat.orchestrator.agent_id = agent_id;
  ({ id } = await as(() => chat.conversations.create({ agent_id })));
});

const as = <T>(work: () => Promise<T>) => chat.as(tenant, work);

function replica(n = 0) {
  const one = replicas[n];
  if (!one) throw new Error('There are two replicas.');
  return one;
}

/** Asks, and has the answer: two messages. */
async function turn(
  n: number,
  parent_message_id?: string,
  conversation = id,
): Promise<{ run_id: string; reply: Message }> {
  const parent = parent_message_id !== undefined && { parent_message_id };
  const { run_id } = await as(() => replica().messages.send({ id: conversation, content: `q${n}`, ...parent }));
  chat.orchestrator.end(run_id, { status: 'completed', output: `a${n}` });
  const { reply } = await as(() => replica().replies.settle({ conversation_id: conversation, run_id }));
  if (!reply) throw new Error('A run that has ended has its reply.');
  await atRest();
  return { run_id, reply };
}

/** Several, one after another; resolves to the last one. */
async function turns(from: number, to: number): Promise<{ run_id: string; reply: Message }> {
  const last = await turn(from);
  return from === to ? last : turns(from + 1, to);
}

interface Row {
  message_id: string;
  content: string | null;
}

const rows = () =>
  chat.admin<Row>('select message_id, content from message_summaries where tenant_id = $1 order by message_id', [
    tenant,
  ]);

/** No summary is being written. */
const atRest = () => until(async () => (await rows()).every(({ content }) => content !== null));

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => [`q${from + n}`, `a${from + n}`]).flat();

const shownTo = (run_id: string) => {
  const { messages = [], summary } = chat.orchestrator.started.get(run_id) ?? {};
  return { said: messages.map(({ content }) => content), summary };
};

it('is written once for 20 messages that have fallen out, of the one before and of these', async () => {
  await turns(1, 11);
  expect(await rows()).toEqual([]);
  await turns(12, 21);
  await until(async () => (await rows()).length === 1);
  await turn(22);
  await until(async () => (await rows()).length === 2);
  expect(await rows()).toMatchObject([{ content: numbers(1, 10).join(' ') }, { content: numbers(1, 20).join(' ') }]);
  const users = { agent_id, conversation_id: id, user_id: chat.user_id };
  expect(chat.orchestrator.summarized).toMatchObject([
    { ...users, previous: null },
    { ...users, previous: numbers(1, 10).join(' ') },
  ]);
  expect(chat.orchestrator.summarized.map(({ messages }) => messages.map(({ content }) => content))).toEqual([
    numbers(1, 10),
    numbers(11, 20),
  ]);
});

it('and what is said since are together all that was said: in each turn, from Redis and from the database', async () => {
  for (let n = 1; n <= 25; n += 1) {
    if (n % 7 === 0) await chat.redis.del(keys.conversationContext(tenant, id));
    const { run_id } = await turn(n);
    const { said, summary } = shownTo(run_id);
    expect(said.length).toBeGreaterThanOrEqual(Math.min(4, 2 * n - 1));
    expect(said.length).toBeLessThanOrEqual(44);
    const told = summary?.split(' ') ?? [];
    const both = [...told, ...said.filter((content) => !told.includes(content))];
    expect(both).toEqual([...numbers(1, n - 1), `q${n}`]);
  }
});

it('is written of what the window of the model does not hold, too', async () => {
  await chat.setWindow(agent_id, 20, true);
  chat.orchestrator.holds = 4;
  await turns(1, 11);
  expect(chat.orchestrator.summarized).toEqual([]);
  await turn(12);
  await until(async () => (await rows()).length === 1);
  await atRest();
  const { run_id } = await turn(13);
  expect(shownTo(run_id)).toEqual({ said: [...numbers(3, 12).slice(-19), 'q13'], summary: numbers(1, 10).join(' ') });
});

it('two replicas at once have it written once', async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  chat.orchestrator.summarize = () => promise;
  await turns(1, 11);
  const { run_id } = await as(() => replica().messages.send({ id, content: 'q12' }));
  chat.orchestrator.end(run_id, { status: 'completed', output: 'a12' });
  const { reply } = await as(() => replica().replies.settle({ conversation_id: id, run_id }));
  await as(async () => replica(1).summaries.follow(reply as Message));
  await until(async () => chat.orchestrator.summarized.length > 0);
  await replica(1).summaries.beforeApplicationShutdown();
  resolve('both');
  await until(async () => (await rows())[0]?.content === 'both');
  expect(chat.orchestrator.summarized).toHaveLength(1);
});

it('one that fails is tried again after the next reply, and holds nobody up', async () => {
  chat.orchestrator.summarize = () => Promise.reject(new ProblemError('provider_overloaded'));
  await turns(1, 13);
  await until(async () => chat.orchestrator.summarized.length === 2);
  expect(await rows()).toEqual([]);
  chat.orchestrator.summarize = tell;
  const { run_id } = await turn(14);
  expect(shownTo(run_id)).toEqual({ said: [...numbers(1, 13), 'q14'], summary: undefined });
  await until(async () => (await rows()).length === 1);
  await atRest();
  expect(await rows()).toMatchObject([{ content: numbers(1, 10).join(' ') }]);
});

it('one that a replica has left is written by another, when its time is over', async () => {
  await turns(1, 11);
  const { data } = await as(() => replica().messages.list({ id, limit: 20 }));
  const claim = [tenant, data.at(-1)?.id, id, v7()];
  const insert = (until: string) =>
    chat.admin(
      `insert into message_summaries (tenant_id, message_id, conversation_id, claim_id, claimed_until)
       values ($1, $2, $3, $4, now() + interval '${until}')`,
      claim,
    );
  await insert('1 minute');
  const { run_id } = await as(() => replica().messages.send({ id, content: 'q12' }));
  chat.orchestrator.end(run_id, { status: 'completed', output: 'a12' });
  await as(() => replica().replies.settle({ conversation_id: id, run_id }));
  await chat.admin(`update message_summaries set claimed_until = now() - interval '1 second' where tenant_id = $1`, [
    tenant,
  ]);
  await turn(13);
  await until(async () => (await rows())[0]?.content === numbers(1, 10).join(' '));
  expect(chat.orchestrator.summarized).toHaveLength(1);
});

it('is of its branch: others that go on from what it tells of see it, others do not', async () => {
  const early = await turns(1, 3);
  const { reply } = await turns(4, 11);
  await turn(12);
  await until(async () => (await rows()).length === 1);
  const beside = await turn(99, reply.id);
  expect(shownTo(beside.run_id)).toEqual({
    said: ['a10', 'q11', 'a11', 'q99'],
    summary: numbers(1, 10).join(' '),
  });
  const elsewhere = await turn(100, early.reply.id);
  expect(shownTo(elsewhere.run_id)).toEqual({ said: [...numbers(1, 3), 'q100'], summary: undefined });
});

it('goes along with a fork, and away with its conversation', async () => {
  const { reply } = await turns(1, 12);
  await until(async () => (await rows()).length === 1);
  const fork = await as(() => chat.conversations.fork({ id, message_id: reply.id }));
  const { run_id } = await turn(13, undefined, fork.id);
  expect(shownTo(run_id)).toEqual({ said: [...numbers(11, 12), 'q13'], summary: numbers(1, 10).join(' ') });
  await as(() => chat.bin.remove(id, { permanent: true }));
  expect(await rows()).toHaveLength(1);
});

it('is not asked for by an agent that does not want it', async () => {
  await chat.setWindow(agent_id, 4, false);
  const { run_id } = await turns(1, 13);
  expect(shownTo(run_id)).toEqual({ said: ['a11', 'q12', 'a12', 'q13'], summary: undefined });
  expect(chat.orchestrator.summarized).toEqual([]);
});
