import { ProblemError } from '@taai/contracts';
import { keys, whenReady } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { startChat, type FakeOrchestrator, type TestChat } from '../chat.testing';

let chat: TestChat;
let orchestrator: FakeOrchestrator;
let services: Pick<ReturnType<TestChat['replica']>, 'messages' | 'replies'>;
let tenant: string;
let agent_id: string;
let id: string;

beforeAll(async () => {
  chat = await startChat();
  ({ orchestrator } = chat);
  const { follower, ...rest } = chat.replica();
  services = rest;
  // Replies are written when the test says so.
  await follower.beforeApplicationShutdown();
});
afterAll(() => chat.close());

beforeEach(async () => {
  tenant = await chat.createTenant();
  agent_id = await chat.createAgent(tenant);
  await give(true);
  orchestrator.agent_id = agent_id;
  orchestrator.entitled.length = 0;
  orchestrator.entitle = async () => 'Invoices of January';
  ({ id } = await as(() => chat.conversations.create({ agent_id })));
});

const as = <T>(work: () => Promise<T>) => chat.as(tenant, work);
/** Whether the agent gives titles. */
const give = (titles: boolean) =>
  chat.admin('update agents set automatic_titles = $2 where id = $1', [agent_id, titles]);
const title = async () => (await as(() => chat.conversations.get(id))).title;
const settled = () => chat.titles.beforeApplicationShutdown();

/** Has a message answered, by as many replicas at once. */
async function turn(content = 'When are they due?', output = 'In January.', times = 1): Promise<void> {
  const { run_id } = await as(() => services.messages.send({ id, content }));
  orchestrator.end(run_id, { status: 'completed', output });
  const settle = () => as(() => services.replies.settle({ conversation_id: id, run_id }));
  await Promise.all(Array.from({ length: times }, settle));
}

describe('a conversation without a title', () => {
  it('gets one after its first answer, asked for once, however many replicas write the answer', async () => {
    await turn('When are they due?'.padEnd(3000), 'In January.', 8);
    await settled();
    expect(await title()).toBe('Invoices of January');
    const question = 'When are they due?'.padEnd(2000);
    const asked = { agent_id, conversation_id: id, user_id: chat.user_id, question, answer: 'In January.' };
    expect(orchestrator.entitled).toEqual([asked]);
    await turn();
    await settled();
    expect(orchestrator.entitled).toHaveLength(1);
  });

  it('stays without, and asks nobody, where its agent gives none', async () => {
    await give(false);
    await turn();
    await settled();
    expect([await title(), orchestrator.entitled]).toEqual([null, []]);
  });

  it('does not keep its answer waiting, and tells those who follow it', async () => {
    const answer = Promise.withResolvers<string>();
    orchestrator.entitle = () => answer.promise;
    await turn();
    expect(await title()).toBeNull();
    const listener = testRedis('subscriber');
    await whenReady(listener);
    const told: string[] = [];
    listener.on('message', (channel: string) => void told.push(channel));
    await listener.subscribe(keys.conversationLive(id));
    answer.resolve('Invoices');
    await settled();
    await until(() => told.length > 0);
    listener.disconnect();
    const after = await as(() => chat.events.after({ conversation_id: id, after: id }));
    expect(after).toMatchObject({ title: 'Invoices' });
    const known = after.messages.at(-1)?.id ?? '';
    // It is news to who comes back with an older message.
    expect(await as(() => chat.events.start({ id, last_event_id: known }))).toMatchObject({ title: null });
    expect(await as(() => chat.events.start({ id }))).toMatchObject({ title: 'Invoices' });
  });

  it('keeps the one that a person gives it meanwhile', async () => {
    orchestrator.entitle = async () => {
      await as(() => chat.conversations.update({ id, title: 'Mine' }));
      return 'Of the model';
    };
    await turn();
    await settled();
    expect(await title()).toBe('Mine');
  });

  it('stays without when nothing comes of it, and is asked about again after the next answers, three times in all', async () => {
    orchestrator.entitle = () => Promise.reject(new ProblemError('provider_timeout'));
    await turn();
    await settled();
    expect(await title()).toBeNull();
    orchestrator.entitle = async () => null;
    for (let n = 0; n < 4; n += 1) {
      await turn();
      await settled();
    }
    expect([await title(), orchestrator.entitled.length]).toEqual([null, 3]);
  });

  it('is asked about once at a time, and again when whoever asked is gone', async () => {
    const asking = Promise.withResolvers<string>();
    orchestrator.entitle = () => asking.promise;
    await turn();
    await turn();
    await until(() => orchestrator.entitled.length > 0);
    expect(orchestrator.entitled).toHaveLength(1);
    await chat.admin(`update conversations set title_asked_at = now() - interval '61 seconds' where id = $1`, [id]);
    await turn();
    await until(() => orchestrator.entitled.length === 2);
    asking.resolve('Invoices');
    await settled();
    expect(await title()).toBe('Invoices');
  });

  it('is not asked about that has one, or has no words in answer yet', async () => {
    await turn('Hello', '');
    await as(() => chat.conversations.update({ id, title: 'Mine' }));
    await turn();
    await settled();
    expect([orchestrator.entitled.length, await title()]).toEqual([0, 'Mine']);
  });
});
