import { v7 } from 'uuid';
import { startChat, type TestChat } from '../chat.testing';

let chat: TestChat;
let messages: ReturnType<TestChat['replica']>['messages'];
let tenant: string;
let agent_id: string;
let [owner, friend, stranger] = ['', '', ''];
let id: string;

beforeAll(async () => {
  chat = await startChat();
  ({ messages } = chat.replica());
});
afterAll(() => chat.close());

beforeEach(async () => {
  tenant = await chat.createTenant();
  agent_id = await chat.createAgent(tenant);
  chat.orchestrator.agent_id = agent_id;
  owner = await chat.createUser(tenant);
  friend = await chat.createUser(tenant);
  stranger = await chat.createUser(tenant);
  id = (await as(owner, () => chat.conversations.create({ agent_id }))).id;
});

const as = <T>(user: string, work: () => Promise<T>, ...permissions: string[]) =>
  chat.asUser(tenant, user, work, ...permissions);

/** `ok`, or the code of the refusal. */
const outcome = (user: string, work: () => Promise<unknown>, ...permissions: string[]) =>
  as(user, work, ...permissions).then(
    () => 'ok',
    ({ code }: { code: string }) => code,
  );

const share = (user_id: string, role: 'reader' | 'writer') =>
  as(owner, () => chat.participants.add({ id, user_id, role }));

const read = () => chat.conversations.get(id);
const look = () => messages.list({ id, limit: 20 });
const members = () => chat.participants.list(id);
const write = () => messages.send({ id, content: 'Hello' });
const rename = () => chat.conversations.update({ id, title: 'Ours' });
const invite = () => chat.participants.add({ id, user_id: stranger, role: 'reader' });
const remove = () => chat.bin.remove(id, { permanent: false });

const listed = async (user: string, participant?: string, ...permissions: string[]) => {
  const list = () => chat.conversations.list({ limit: 20, ...(participant && { participant }) });
  return (await as(user, list, ...permissions)).data.map((conversation) => conversation.id);
};

const audited = async () =>
  (await chat.eventsOf(tenant, 'audit.recorded')).map(({ action, actor_id, after }) => [action, actor_id, after]);

describe('a conversation', () => {
  it.each([
    [
      'is absent for a stranger',
      undefined,
      ['not_found', 'not_found', 'not_found', 'not_found', 'not_found', 'not_found', 'not_found'],
    ],
    ['is read by a reader', 'reader', ['ok', 'ok', 'ok', 'forbidden', 'forbidden', 'forbidden', 'forbidden']],
    ['is written into by a writer', 'writer', ['ok', 'ok', 'ok', 'ok', 'ok', 'forbidden', 'forbidden']],
  ] as const)('%s', async (_, role, expected) => {
    if (role) await share(friend, role);
    const found: string[] = [];
    for (const attempt of [read, look, members, write, rename, invite, remove])
      found.push(await outcome(friend, attempt));
    expect(found).toEqual(expected);
    expect(await audited()).toEqual(role ? [['conversation.shared', owner, { user_id: friend, role }]] : []);
  });

  it("is all its owner's", async () => {
    const found: string[] = [];
    for (const attempt of [read, look, members, write, rename, invite, remove])
      found.push(await outcome(owner, attempt));
    expect(new Set(found)).toEqual(new Set(['ok']));
  });

  it.each([
    ['*:read', 'not_found', 'not_found', []],
    ['conversations:read_any', 'ok', 'forbidden', ['conversations:read_any']],
    ['conversations:manage_any', 'not_found', 'ok', ['conversations:manage_any']],
    ['*:*', 'ok', 'ok', ['conversations:read_any', 'conversations:manage_any']],
  ])(
    'is opened to holders of %s as read %s and written %s, and each use is recorded',
    async (held, reading, writing, uses) => {
      expect([await outcome(stranger, read, held), await outcome(stranger, write, held)]).toEqual([reading, writing]);
      expect(await audited()).toEqual(uses.map((permission) => ['conversation.accessed', stranger, { permission }]));
    },
  );

  it("of one's own is no use of a permission for everybody's", async () => {
    await outcome(owner, read, '*:*');
    await listed(owner, undefined, '*:*');
    expect(await audited()).toEqual([]);
  });
});

describe('the list of conversations', () => {
  it("shows one's own and those that are shared, newest first, page by page", async () => {
    const ids = [id];
    for (let n = 0; n < 4; n += 1) ids.unshift((await as(owner, () => chat.conversations.create({ agent_id }))).id);
    await as(friend, () => chat.conversations.create({ agent_id }));
    const first = await as(owner, () => chat.conversations.list({ limit: 3 }));
    const rest = await as(owner, () => chat.conversations.list({ limit: 3, cursor: first.next_cursor ?? '' }));
    expect([...first.data, ...rest.data].map((conversation) => conversation.id)).toEqual(ids);
    expect(rest.has_more).toBe(false);
    expect(await listed(stranger)).toEqual([]);
    await share(stranger, 'reader');
    expect(await listed(stranger)).toEqual([id]);
  });

  it("shows of another's those in which the caller takes part", async () => {
    expect(await listed(friend, owner)).toEqual([]);
    await share(friend, 'reader');
    expect(await listed(friend, owner)).toEqual([id]);
    expect(await listed(owner, friend)).toEqual([id]);
    expect(await listed(owner, stranger)).toEqual([]);
  });

  it("shows everybody's by permission, and records which", async () => {
    const own = (await as(stranger, () => chat.conversations.create({ agent_id }))).id;
    expect(await listed(stranger, undefined, 'conversations:read_any')).toEqual([own, id]);
    expect(await listed(stranger, owner, 'conversations:read_any')).toEqual([id]);
    const use = ['conversation.listed', stranger, { permission: 'conversations:read_any', ids: [id] }];
    expect(await audited()).toEqual([use, use]);
  });
});

describe('participants', () => {
  it('are listed, the owner first, and change their role', async () => {
    await share(friend, 'reader');
    await share(stranger, 'reader');
    await share(friend, 'writer');
    const { data } = await as(friend, () => chat.participants.list(id));
    expect(data.map(({ user_id, role }) => [user_id, role])).toEqual([
      [owner, 'owner'],
      [friend, 'writer'],
      [stranger, 'reader'],
    ]);
    expect((await audited()).at(-1)).toEqual(['conversation.shared', owner, { role: 'writer' }]);
  });

  it('are users of the tenant', async () => {
    expect(await outcome(owner, () => chat.participants.add({ id, user_id: v7(), role: 'reader' }))).toBe('not_found');
    const foreign = await chat.createUser(await chat.createTenant());
    expect(await outcome(owner, () => chat.participants.add({ id, user_id: foreign, role: 'reader' }))).toBe(
      'not_found',
    );
  });

  it('never lose the owner', async () => {
    const add = () => chat.participants.add({ id, user_id: owner, role: 'reader' });
    const leave = () => chat.participants.remove({ id, user_id: owner });
    expect([await outcome(owner, add), await outcome(owner, leave)]).toEqual(['conflict', 'conflict']);
  });

  it('leave by themselves, and are taken out by the owner alone', async () => {
    await share(friend, 'writer');
    await share(stranger, 'reader');
    const take = (user_id: string) => () => chat.participants.remove({ id, user_id });
    expect(await outcome(friend, take(stranger))).toBe('forbidden');
    expect([await outcome(friend, take(friend)), await outcome(friend, read)]).toEqual(['ok', 'not_found']);
    expect([await outcome(owner, take(stranger)), await outcome(stranger, read)]).toEqual(['ok', 'not_found']);
    expect(await outcome(owner, take(stranger))).toBe('not_found');
  });

  it('are so many at most, however many are added at once', async () => {
    const users: string[] = [];
    for (let n = 0; n < 205; n += 1) users.push(await chat.createUser(tenant));
    const added = await Promise.all(
      users.map((user_id) => outcome(owner, () => chat.participants.add({ id, user_id, role: 'reader' }))),
    );
    expect(added.filter((code) => code === 'ok')).toHaveLength(199);
    expect(new Set(added)).toEqual(new Set(['ok', 'conflict']));
  });
});
