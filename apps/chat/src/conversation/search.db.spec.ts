import { startChat, type TestChat } from '../chat.testing';

let chat: TestChat;
let messages: ReturnType<TestChat['replica']>['messages'];
let tenant: string;
let agent_id: string;

beforeAll(async () => {
  chat = await startChat();
  ({ messages } = chat.replica());
});
afterAll(() => chat.close());

beforeEach(async () => {
  tenant = await chat.createTenant();
  agent_id = await chat.createAgent(tenant);
  chat.orchestrator.agent_id = agent_id;
});

async function conversation(title: string | null, ...contents: string[]): Promise<string> {
  const { id } = await chat.as(tenant, () => chat.conversations.create({ agent_id, title }));
  for (const content of contents) await chat.as(tenant, () => messages.send({ id, content }));
  return id;
}

const search = async (q: string, user = chat.user_id, ...permissions: string[]) => {
  const list = () => chat.conversations.list({ q, limit: 20 });
  return (await chat.asUser(tenant, user, list, ...permissions)).data.map(({ id }) => id);
};

it.each([
  ['invoice', [1, 0]],
  ['INVOICE january', [0]],
  ['"due in january"', [0]],
  ['"january due"', []],
  ['due -february', [0]],
  ['überfällig', [2]],
  ['holidays', [2]],
  ['nothing', []],
  ['!!!', []],
  ['e-mail', [2]],
  ['2026', [2]],
  ["tenant: ' & | ( *", []],
])('%j finds by messages and titles, newest first', async (q, expected) => {
  const ids = [
    await conversation(null, 'The invoice is due in January.', 'Thanks.'),
    await conversation('Invoice', 'It is due in February.'),
    await conversation('Holidays', '“Überfällig”: e-mail of 2026!'),
  ];
  expect(await search(q)).toEqual(expected.map((index) => ids[index]));
});

it("finds what is shared, and everybody's by permission alone", async () => {
  const id = await conversation(null, 'The invoice is due.');
  const [friend, stranger] = [await chat.createUser(tenant), await chat.createUser(tenant)];
  await chat.as(tenant, () => chat.participants.add({ id, user_id: friend, role: 'reader' }));
  expect([await search('invoice', friend), await search('invoice', stranger)]).toEqual([[id], []]);
  expect(await search('invoice', stranger, 'conversations:read_any')).toEqual([id]);
});

it('finds nothing of another tenant, whatever is asked for', async () => {
  await conversation(null, 'The invoice is due.');
  const own = tenant;
  tenant = await chat.createTenant();
  for (const q of ['invoice', `x${own.slice(-8)}invoice`, `x${own.slice(-8)}`, `invoice or due`])
    expect(await search(q, chat.user_id, '*:*')).toEqual([]);
});

it('goes on page by page', async () => {
  const ids = [await conversation(null, 'One invoice'), await conversation(null, 'Two invoices, one invoice')];
  const list = (cursor?: string) =>
    chat.as(tenant, () => chat.conversations.list({ q: 'invoice', limit: 1, ...(cursor && { cursor }) }));
  const first = await list();
  const second = await list(first.next_cursor ?? '');
  expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids.reverse());
  expect(second).toMatchObject({ has_more: false, next_cursor: null });
});

it('knows a new title, and forgets the old one', async () => {
  const id = await conversation('Invoices');
  await chat.as(tenant, () => chat.conversations.update({ id, title: 'Bills' }));
  expect([await search('invoices'), await search('bills')]).toEqual([[], [id]]);
});
