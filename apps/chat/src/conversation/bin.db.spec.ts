import { ProblemError } from '@taai/contracts';
import { v7 } from 'uuid';
import { startChat, type TestChat } from '../chat.testing';
import { ConversationHandler } from './conversation.handler';

let chat: TestChat;
let messages: ReturnType<TestChat['replica']>['messages'];
let replies: ReturnType<TestChat['replica']>['replies'];
let tenant: string;
let agent_id: string;
let [owner, writer] = ['', ''];
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
  [owner, writer] = [await chat.createUser(tenant), await chat.createUser(tenant)];
  ({ id } = await as(owner, () => chat.conversations.create({ agent_id, title: 'Invoices of January' })));
  await as(owner, () => chat.participants.add({ id, user_id: writer, role: 'writer' }));
});

const as = <T>(user: string, work: () => Promise<T>, ...permissions: string[]) =>
  chat.asUser(tenant, user, work, ...permissions);
const send = (content: string) => as(writer, () => messages.send({ id, content }));
const remove = (permanent = false, user = owner) => as(user, () => chat.bin.remove(id, { permanent }));
const restore = (user = owner, ...permissions: string[]) => as(user, () => chat.bin.restore(id), ...permissions);
const list = (query: object, user = owner, ...permissions: string[]) => {
  const handler = new ConversationHandler(chat.conversations, chat.bin);
  return as(user, () => handler.list({ limit: 20, ...query }), ...permissions).then(({ data }) => data);
};
const said = () =>
  as(owner, () => messages.list({ id, limit: 20 })).then(({ data }) => data.map(({ content }) => content));
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;
const age = (days: number) =>
  chat.admin(`update conversations set deleted_at = now() - make_interval(days => $2) where id = $1`, [id, days]);
const rows = async (table: string, column = 'conversation_id') =>
  (await chat.admin(`select from ${table} where ${column} = $1`, [id])).length;

describe('a conversation that was deleted', () => {
  it('has its runs cancelled, and is deleted though nobody can be told', async () => {
    await remove();
    expect(chat.orchestrator.cancelled).toEqual([id]);
    await restore();
    const away = jest
      .spyOn(chat.orchestrator, 'cancelFor')
      .mockRejectedValueOnce(new ProblemError('service_unavailable'));
    await remove(true);
    expect(away).toHaveBeenCalledTimes(1);
    expect(await rows('conversations', 'id')).toBe(0);
  });

  it('is absent for everybody at once, whatever is done with it', async () => {
    const { message, run_id } = await send('Hello');
    const share = await as(owner, () => chat.shares.create({ id }));
    await remove();
    const attempts: (() => Promise<unknown>)[] = [
      () => chat.conversations.get(id),
      () => chat.conversations.update({ id, title: 'Other' }),
      () => chat.conversations.update({ id, is_pinned: true }),
      () => chat.conversations.fork({ id, message_id: message.id }),
      () => messages.list({ id, limit: 20 }),
      () => messages.send({ id, content: 'Again' }),
      () => messages.regenerate(message.id),
      () => chat.feedback.give({ id: message.id, rating: 'up' }),
      () => chat.participants.list(id),
      () => chat.participants.add({ id, user_id: v7(), role: 'reader' }),
      () => chat.shares.create({ id }),
      () => chat.shares.list(id),
      () => chat.shares.revoke(share.id),
      () => chat.events.start({ id }),
      () => chat.bin.remove(id, { permanent: false }),
    ];
    for (const attempt of attempts) {
      for (const user of [owner, writer]) await expect(as(user, attempt)).rejects.toEqual(code('not_found'));
      await expect(as(v7(), attempt, '*:*')).rejects.toEqual(code('not_found'));
    }
    await expect(chat.shares.read({ token: share.token, limit: 20 })).rejects.toEqual(code('not_found'));
    chat.orchestrator.end(run_id, { status: 'completed', output: 'Hi' });
    await expect(as(owner, () => replies.settle({ conversation_id: id, run_id }))).rejects.toEqual(code('not_found'));
  });

  it('is in no list and no search, but for those who ask for what they deleted', async () => {
    await send('About the invoice');
    await remove();
    for (const query of [{}, { q: 'invoice' }, { q: 'January' }, { archived: 'true' }, { participant: writer }]) {
      for (const user of [owner, writer]) expect(await list(query, user)).toEqual([]);
      expect(await list(query, v7(), 'conversations:read_any')).toEqual([]);
    }
    expect(await list({ deleted: 'true' })).toMatchObject([{ id, role: 'owner', deleted_at: expect.any(Date) }]);
    expect(await list({ deleted: 'true' }, writer)).toEqual([]);
    await expect(list({ deleted: 'true', q: 'invoice' })).rejects.toEqual(code('validation_failed'));
  });

  it('keeps its files from those who read them by it, until it is back', async () => {
    const file = v7();
    const insert = `insert into files (tenant_id, id, user_id, status, stored_as) values ($1, $2, $3, 'ready', $2)`;
    await chat.admin(insert, [tenant, file, owner]);
    const attach = 'insert into conversation_files (tenant_id, file_id, conversation_id) values ($1, $2, $3)';
    await chat.admin(attach, [tenant, file, id]);
    const look = (user: string) => as(user, () => chat.files.get(file));
    expect(await look(writer)).toMatchObject({ id: file });
    await remove();
    await expect(look(writer)).rejects.toEqual(code('not_found'));
    expect(await look(owner)).toMatchObject({ id: file });
    await restore();
    expect(await look(writer)).toMatchObject({ id: file });
  });

  it('comes back with its messages, participants and pins, and with answers that came meanwhile, but without its links', async () => {
    const { run_id } = await send('Hello');
    const { token } = await as(owner, () => chat.shares.create({ id }));
    await as(writer, () => chat.conversations.update({ id, is_pinned: true }));
    const before = await as(writer, () => chat.conversations.get(id));
    await remove();
    chat.orchestrator.end(run_id, { status: 'completed', output: 'Hi!' });
    expect(await restore()).toMatchObject({ id, role: 'owner', deleted_at: null, title: 'Invoices of January' });
    expect(await said()).toEqual(['Hello', 'Hi!']);
    const after = await as(writer, () => chat.conversations.get(id));
    expect(after).toMatchObject({ role: 'writer', pinned_at: before.pinned_at });
    expect(await list({ q: 'January' }, writer)).toMatchObject([{ id }]);
    expect(await list({ deleted: 'true' })).toEqual([]);
    await expect(chat.shares.read({ token, limit: 20 })).rejects.toEqual(code('not_found'));
    expect(await as(owner, () => chat.shares.list(id))).toEqual({ data: [] });
  });

  it('is restored by its owner alone, and by who manages everybody’s', async () => {
    await expect(restore()).rejects.toEqual(code('not_found'));
    await remove();
    await expect(restore(writer)).rejects.toEqual(code('not_found'));
    await expect(restore(v7())).rejects.toEqual(code('not_found'));
    await expect(restore(writer, 'conversations:read_any')).rejects.toEqual(code('forbidden'));
    await expect(remove(true, writer)).rejects.toEqual(code('not_found'));
    expect(await restore(v7(), 'conversations:manage_any')).toMatchObject({ id, role: null });
    expect(await as(owner, () => chat.conversations.get(id))).toMatchObject({ role: 'owner' });
    const actions = (await chat.eventsOf(tenant, 'audit.recorded')).map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['conversation.deleted', 'conversation.restored']));
  });

  it('of another tenant is absent, too', async () => {
    await remove();
    const stranger = await chat.createTenant();
    const attempts: (() => Promise<unknown>)[] = [
      () => chat.bin.restore(id),
      () => chat.bin.remove(id, { permanent: true }),
    ];
    for (const attempt of attempts) await expect(chat.as(stranger, attempt)).rejects.toEqual(code('not_found'));
  });

  it('is gone for good at once for who says so, before and after', async () => {
    await send('Hello');
    await remove();
    await remove(true);
    await expect(restore()).rejects.toEqual(code('not_found'));
    expect([await rows('messages'), await rows('deleted_participants'), await rows('conversations', 'id')]).toEqual([
      0, 0, 0,
    ]);
    ({ id } = await as(owner, () => chat.conversations.create({ agent_id })));
    await remove(true);
    expect(await list({ deleted: 'true' })).toEqual([]);
  });

  it('is told to those who follow it, like the end of a link', async () => {
    const told = () => chat.admin<{ id: string }>('select id from access_changes where tenant_id = $1', [tenant]);
    const share = await as(owner, () => chat.shares.create({ id }));
    expect(await told()).toEqual([]);
    await as(owner, () => chat.shares.revoke(share.id));
    expect(await told()).toEqual([{ id }]);
    await chat.admin('delete from access_changes where tenant_id = $1', [tenant]);
    await chat.admin('delete from conversation_participants where conversation_id = $1', [id]);
    await chat.admin('delete from access_changes where tenant_id = $1', [tenant]);
    await as(v7(), () => chat.bin.remove(id, { permanent: false }), '*:*');
    expect(await told()).toEqual([{ id }]);
  });
});

describe('the sweep', () => {
  it('removes for good what was deleted 30 days ago, with many messages, and nothing else', async () => {
    await send('Hello');
    const many = `insert into messages (tenant_id, id, conversation_id, role, content)
      select $1, gen_random_uuid(), $2, 'user', 'word' from generate_series(1, 2100)`;
    await chat.admin(many, [tenant, id]);
    await remove();
    await age(29);
    await chat.binSweep.sweep();
    expect(await rows('messages')).toBe(2101);
    await age(31);
    await Promise.all([chat.binSweep.sweep(), chat.binSweep.sweep()]);
    expect([await rows('messages'), await rows('conversations', 'id')]).toEqual([0, 0]);
  });

  it('takes turns between tenants, goes on behind what fails, and ends', async () => {
    const deleted = (of: string, agent: string, count: number) => {
      const text = `insert into conversations (tenant_id, id, agent_id, deleted_at)
        select $1, gen_random_uuid(), $2, now() - interval '31 days' from generate_series(1, $3::int)`;
      return chat.admin(text, [of, agent, count]);
    };
    const left = async (of: string) =>
      (await chat.admin('select from conversations where tenant_id = $1 and deleted_at is not null', [of])).length;
    const other = await chat.createTenant();
    await deleted(tenant, agent_id, 250);
    await deleted(other, await chat.createAgent(other), 3);
    const due = await chat.binRows.due(30 * 86_400, 20);
    expect(due.filter(({ tenant_id }) => tenant_id === other)).toHaveLength(3);
    expect(due.filter(({ tenant_id }) => tenant_id === tenant).length).toBeLessThanOrEqual(10);
    jest.spyOn(chat.binRows, 'lockDue').mockRejectedValueOnce(new Error('The row is torn.'));
    await chat.binSweep.sweep();
    expect([await left(tenant), await left(other)]).toEqual([0, 0]);
  });
});
