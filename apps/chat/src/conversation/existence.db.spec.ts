import { Client } from 'pg';
import { v7 } from 'uuid';
import { startChat, type TestChat } from '../chat.testing';

let chat: TestChat;
let { messages, replies }: Pick<ReturnType<TestChat['replica']>, 'messages' | 'replies'> = {} as never;
let tenant: string;
let stranger: string;

/** What is the owner's alone. */
let theirs: Record<'conversation' | 'deleted' | 'message' | 'share' | 'file', string>;

beforeAll(async () => {
  chat = await startChat();
  const { follower, ...services } = chat.replica();
  ({ messages, replies } = services);
  await follower.beforeApplicationShutdown();
  tenant = await chat.createTenant();
  const agent_id = await chat.createAgent(tenant);
  chat.orchestrator.agent_id = agent_id;
  stranger = await chat.createUser(tenant);
  theirs = await chat.as(tenant, async () => {
    const { id: conversation } = await chat.conversations.create({ agent_id });
    const { id: deleted } = await chat.conversations.create({ agent_id });
    await chat.bin.remove(deleted, { permanent: false });
    const { message, run_id } = await messages.send({ id: conversation, content: 'Hello' });
    chat.orchestrator.end(run_id, { status: 'completed', output: 'Hi' });
    await replies.settle({ conversation_id: conversation, run_id });
    const share = (await chat.shares.create({ id: conversation })).id;
    return { conversation, deleted, message: message.id, share, file: (await chat.files.create()).id };
  });
});
afterAll(() => chat.close());

const attempts: [string, keyof typeof theirs, (id: string) => Promise<unknown>][] = [
  ['reading a conversation', 'conversation', (id) => chat.conversations.get(id)],
  ['renaming it', 'conversation', (id) => chat.conversations.update({ id, title: 'Mine' })],
  ['forking it', 'conversation', (id) => chat.conversations.fork({ id, message_id: v7() })],
  ['following it', 'conversation', (id) => chat.events.start({ id })],
  ['reading its messages', 'conversation', (id) => messages.list({ id, limit: 10 })],
  ['writing into it', 'conversation', (id) => messages.send({ id, content: 'Hello' })],
  ['reading who takes part', 'conversation', (id) => chat.participants.list(id)],
  ['sharing it', 'conversation', (id) => chat.participants.add({ id, user_id: v7(), role: 'reader' })],
  ['listing its links', 'conversation', (id) => chat.shares.list(id)],
  ['making a link', 'conversation', (id) => chat.shares.create({ id })],
  ['deleting it', 'conversation', (id) => chat.bin.remove(id, { permanent: false })],
  ['deleting it for good', 'conversation', (id) => chat.bin.remove(id, { permanent: true })],
  ['deleting a deleted one for good', 'deleted', (id) => chat.bin.remove(id, { permanent: true })],
  ['restoring one', 'deleted', (id) => chat.bin.restore(id)],
  ['regenerating an answer', 'message', (id) => messages.regenerate(id)],
  ['reading feedback', 'message', (id) => chat.feedback.list(id)],
  ['giving feedback', 'message', (id) => chat.feedback.give({ id, rating: 'up' })],
  ['revoking a link', 'share', (id) => chat.shares.revoke(id)],
  ['reading a file', 'file', (id) => chat.files.get(id)],
  ['downloading it', 'file', (id) => chat.files.content(id)],
  ['deleting the file', 'file', (id) => chat.files.remove(id)],
];

/** What a stranger is answered, and how many statements it takes. */
async function refusal(work: () => Promise<unknown>) {
  const query = jest.spyOn(Client.prototype, 'query');
  try {
    const answer = await chat.asUser(tenant, stranger, work).catch(({ code, message }: Record<string, string>) => ({
      code,
      message,
    }));
    return { answer, statements: query.mock.calls.length };
  } finally {
    query.mockRestore();
  }
}

it.each(attempts)('%s is refused to strangers as where nothing is, by as many statements', async (_, noun, attempt) => {
  const unshared = await refusal(() => attempt(theirs[noun]));
  expect(unshared).toMatchObject({ answer: { code: 'not_found' } });
  expect(unshared.statements).toBeGreaterThan(0);
  expect(unshared).toEqual(await refusal(() => attempt(v7())));
});
