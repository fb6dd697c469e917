import { ProblemError, type Message } from '@taai/contracts';
import { keys } from '@taai/platform';
import { testRedis } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { startChat, type TestChat } from '../chat.testing';
import { ContextCache } from './context-cache';
import { ContextService } from './context.service';

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

beforeEach(async () => {
  tenant = await chat.createTenant();
  agent_id = await chat.createAgent(tenant);
  chat.orchestrator.agent_id = agent_id;
  ({ id } = await as(() => chat.conversations.create({ agent_id })));
});

const as = <T>(work: () => Promise<T>) => chat.as(tenant, work);

function replica(n = 0) {
  const one = replicas[n];
  if (!one) throw new Error('There are two replicas.');
  return one;
}

const send = (content: string, parent_message_id?: string | null, n = 0) =>
  as(() => replica(n).messages.send({ id, content, ...(parent_message_id !== undefined && { parent_message_id }) }));

async function answer(run_id: string, output: string, n = 0): Promise<Message> {
  chat.orchestrator.end(run_id, { status: 'completed', output });
  const { reply } = await as(() => replica(n).replies.settle({ conversation_id: id, run_id }));
  if (!reply) throw new Error('A run that has ended has its reply.');
  return reply;
}

const shownTo = (run_id: string) => chat.orchestrator.started.get(run_id)?.messages;
const contents = (run_id: string) => shownTo(run_id)?.map(({ content }) => content);
const key = () => keys.conversationContext(tenant, id);

/** From now on who reads the database is told something else. */
const falsify = () => chat.admin(`update messages set content = 'read' where conversation_id = $1`, [id]);

describe('what an agent is shown', () => {
  it('comes from Redis, whichever replica has written it', async () => {
    const first = await send('1', undefined, 0);
    const reply = await answer(first.run_id, 'one', 1);
    await falsify();
    const { message, run_id } = await send('2', undefined, 1);
    expect(shownTo(run_id)).toEqual([
      { role: 'user', content: '1', attachments: [], run_id: null },
      { role: 'assistant', content: 'one', attachments: [], run_id: first.run_id },
      { role: 'user', content: '2', attachments: [], run_id: null },
    ]);
    expect(message.parent_message_id).toBe(reply.id);
    expect(await chat.redis.pttl(key())).toBeGreaterThan(3_500_000);
  });

  it('is as long as its agent has it now', async () => {
    for (let turn = 1; turn <= 3; turn += 1) await answer((await send(`${turn}`)).run_id, `${turn}!`);
    await chat.setWindow(agent_id, 2, false);
    expect(contents((await send('4')).run_id)).toEqual(['3!', '4']);
    await chat.setWindow(agent_id, 200, false);
    expect(contents((await send('5')).run_id)).toEqual(['1', '1!', '2', '2!', '3', '3!', '4', '5']);
  });

  it('is the branch that leads to the message, whatever is kept', async () => {
    const first = await send('1');
    const reply = await answer(first.run_id, 'one');
    await answer((await send('2')).run_id, 'two');
    expect(contents((await send('2b', reply.id)).run_id)).toEqual(['1', 'one', '2b']);
    const anew = await as(() => replica().messages.regenerate(first.message.id));
    expect(contents(anew.run_id)).toEqual(['1']);
    await answer(anew.run_id, 'uno');
    expect(contents((await send('3')).run_id)).toEqual(['1', 'uno', '3']);
  });

  it('has the answers that came behind later questions', async () => {
    const [first, second] = [await send('1'), await send('2')];
    expect(contents(second.run_id)).toEqual(['1', '2']);
    await answer(second.run_id, 'two');
    expect(contents((await send('3', undefined, 1)).run_id)).toEqual(['1', '2', 'two', '3']);
    await answer(first.run_id, 'one');
    expect(contents((await send('4')).run_id)).toEqual(['1', 'one', '2', 'two', '3', '4']);
  });

  it('is read from the database where it is too long to be kept', async () => {
    await send('x'.repeat(90_000));
    expect(await chat.redis.exists(key())).toBe(1);
    await answer((await send('y'.repeat(90_000))).run_id, 'z');
    await falsify();
    expect(contents((await send('2')).run_id)).toEqual(['read', 'read', 'read', '2']);
  });

  it('is read from the database while Redis is away', async () => {
    const { message } = await send('1');
    const away = testRedis('commands');
    away.disconnect();
    const context = new ContextService(chat.contextRows, new ContextCache(away));
    expect((await as(() => context.of(message))).messages).toMatchObject([{ content: '1' }]);
    await as(() => context.follow(message));
    const cache = new ContextCache(away);
    await as(async () => {
      await cache.bury(id);
      await cache.erase();
    });
  });

  it('is not what another release has kept', async () => {
    const { message } = await send('1');
    await chat.redis.set(
      key(),
      JSON.stringify({ form: 0, branch: { tip: message.id, messages: [{ content: 'other' }] } }),
    );
    expect(contents((await send('2')).run_id)).toEqual(['1', '2']);
  });
});

/** Pseudo-random, and the same each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * sides);
  };
}

/** What there was of a branch when a message was sent must have been shown; of later answers whatever came in time. */
async function expectShown(run_id: string, tip: string, answeredBefore: ReadonlySet<string>): Promise<void> {
  const { messages } = await as(() => chat.contextRows.branch(id, tip, WIDE));
  const now = messages.toReversed().map(({ content }) => content);
  const shown = contents(run_id) ?? [];
  expect(now.filter((content) => shown.includes(content))).toEqual(shown);
  const missing = now.filter((content) => !shown.includes(content));
  expect(missing.filter((content) => !content.startsWith('answer') || answeredBefore.has(content))).toEqual([]);
}

const WIDE = { messages: 200, summarize: false };

it('is never stale, whoever writes, regenerates and answers at once', async () => {
  const roll = dice(7);
  await chat.setWindow(agent_id, WIDE.messages, WIDE.summarize);
  const said: Message[] = [(await send('first')).message];
  const pick = () => said[roll(said.length)] ?? said[0];
  const unanswered: string[] = [];
  const answered = new Set<string>();
  const checks: (() => Promise<void>)[] = [];
  const note = (message: Message, run_id: string, before: ReadonlySet<string>) => {
    said.push(message);
    unanswered.push(run_id);
    checks.push(() => expectShown(run_id, message.id, before));
  };
  const step = async (n: number): Promise<void> => {
    const [which, what, before] = [roll(2), roll(6), new Set(answered)];
    const run_id = what < 3 ? unanswered.splice(roll(unanswered.length), 1)[0] : undefined;
    if (run_id) {
      said.push(await answer(run_id, `answer ${n}`, which));
      answered.add(`answer ${n}`);
    } else if (what === 3) {
      const anew = await as(() => replica(which).messages.regenerate(pick()?.id ?? '')).catch(unasked);
      if (anew) note(anew.message, anew.run_id, before);
    } else {
      const sent = await send(`said ${n}`, what === 4 ? pick()?.id : undefined, which);
      note(sent.message, sent.run_id, before);
    }
  };
  for (let round = 0; round < 60; round += 1) await Promise.all([step(2 * round), step(2 * round + 1)]);
  expect(checks.length).toBeGreaterThan(40);
  for (const check of checks) await check();
});

const unasked = (error: unknown) => {
  if (error instanceof ProblemError && error.code === 'conflict') return undefined;
  throw error;
};

describe('what is kept', () => {
  it('goes with the conversation, and does not come back by who is still at work on it', async () => {
    const { message, run_id } = await send('secret');
    const kept = await as(() => chat.contexts.find(id));
    if (!kept) throw new Error('The context was kept.');
    await as(() => chat.bin.remove(id, { permanent: true }));
    await as(() => chat.contexts.keep(id, kept));
    await as(() => replica().context.follow({ ...message, id: v7(), parent_message_id: message.id, run_id }));
    expect(await chat.redis.get(key())).toBe('');
    await expect(as(() => replica().context.of(message))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('can be forgotten, but not that the conversation is gone', async () => {
    await send('1');
    await as(() => chat.contexts.forget(id));
    expect(await as(() => chat.contexts.find(id))).toBeUndefined();
    await as(() => chat.contexts.bury(id));
    await as(() => chat.contexts.forget(id));
    expect(await chat.redis.get(key())).toBe('');
  });

  it('is nothing to another tenant', async () => {
    await send('ours');
    const other = await chat.createTenant();
    expect(await chat.as(other, () => chat.contexts.find(id))).toBeUndefined();
  });

  it('is of so many conversations of a tenant, the last ones', async () => {
    const kept = { window: { messages: 20, summarize: false }, branch: { tip: v7(), messages: [], told: null } };
    const ids = [v7(), v7(), v7(), v7()];
    for (const one of ids) await as(() => chat.contexts.keep(one, kept, 2));
    const found = await Promise.all(ids.map((one) => as(() => chat.contexts.find(one))));
    expect(found.map((one) => one !== undefined)).toEqual([false, false, true, true]);
  });

  it('is erased with the tenant', async () => {
    await send('ours');
    await chat.admin(`update tenants set status = 'deleting', delete_at = now() - interval '1 day' where id = $1`, [
      tenant,
    ]);
    await as(() => chat.tenantData.erase({}));
    expect(await chat.redis.keys(`context:{${tenant}}*`)).toEqual([]);
  });
});
