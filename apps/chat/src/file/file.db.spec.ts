import { Readable } from 'node:stream';
import type { FileObject, ReceivedFile } from '@taai/contracts';
import { keyOfUpload } from '@taai/files';
import { v7 } from 'uuid';
import { startChat, type TestChat } from '../chat.testing';

let chat: TestChat;
let messages: ReturnType<TestChat['replica']>['messages'];
let tenant: string;
let agent_id: string;
let [owner, friend, stranger] = ['', '', ''];

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
});

const as = <T>(user: string, work: () => Promise<T>, ...permissions: string[]) =>
  chat.asUser(tenant, user, work, ...permissions);

/** `ok`, or the code of the refusal. */
const outcome = (user: string, work: () => Promise<unknown>, ...permissions: string[]) =>
  as(user, work, ...permissions).then(
    () => 'ok',
    ({ code }: { code: string }) => code,
  );

const audited = async () =>
  (await chat.eventsOf(tenant, 'audit.recorded')).map(({ action, actor_id, target_id, after }) => [
    action,
    actor_id,
    target_id,
    after,
  ]);

/** What the gateway does once the row is there: it keeps some bytes, and says what it has seen. */
async function receive(id: string, text = 'Hello', change: Partial<ReceivedFile> = {}): Promise<ReceivedFile> {
  const stored_as = v7();
  const bytes = Buffer.from(text);
  const key = keyOfUpload(tenant, { file_id: id, stored_as });
  await chat.kept.store.write(key, Readable.from([bytes]), new AbortController().signal);
  const type = { content_type: 'text/plain; charset=utf-8', purpose: 'user_data' } as const;
  return { id, filename: 'hello.txt', ...type, bytes: bytes.length, sha256: text, stored_as, ...change };
}

const upload = (user: string, text?: string): Promise<FileObject> =>
  as(user, async () => {
    const { id } = await chat.files.create();
    return chat.files.finish(await receive(id, text));
  });

const keptOf = async (id: string) => (await chat.kept.kept()).filter((path) => path.includes(id));
const rowsOf = async (id: string) =>
  (await chat.admin<{ status: string }>('select status from files where id = $1', [id])).map(({ status }) => status);

/** Runs out the time that an upload has. */
const age = (id: string, hours: number) =>
  chat.admin(`update files set created_at = now() - make_interval(hours => $2) where id = $1`, [id, hours]);

describe('a file', () => {
  it('is there when its upload has come to its end', async () => {
    const { id } = await as(owner, () => chat.files.create());
    const get = () => chat.files.get(id);
    expect(await outcome(owner, get)).toBe('not_found');
    expect((await as(owner, () => chat.files.list({ limit: 20 }))).data).toEqual([]);
    const received = await receive(id);
    const finished = await as(owner, () => chat.files.finish(received));
    expect(finished).toEqual({
      id,
      object: 'file',
      bytes: 5,
      created_at: expect.any(Date),
      filename: 'hello.txt',
      purpose: 'user_data',
      content_type: 'text/plain; charset=utf-8',
      user_id: owner,
    });
    expect(await as(owner, get)).toEqual(finished);
    expect(await as(owner, () => chat.files.content(id))).toMatchObject({ stored_as: received.stored_as, bytes: 5 });
  });

  it.each([
    ['is absent for a stranger', [], ['not_found', 'not_found', 'not_found']],
    ['is read by holders of files:read_any', ['files:read_any'], ['ok', 'ok', 'forbidden']],
    ['is no matter of *:read', ['*:read'], ['not_found', 'not_found', 'not_found']],
    ['is deleted by holders of files:manage_any', ['files:manage_any'], ['not_found', 'not_found', 'ok']],
  ])('%s', async (_, permissions, expected) => {
    const { id } = await upload(owner);
    const found: string[] = [];
    for (const attempt of [() => chat.files.get(id), () => chat.files.content(id), () => chat.files.remove(id)])
      found.push(await outcome(stranger, attempt, ...permissions));
    expect(found).toEqual(expected);
    const uses = found.flatMap((code, at) => (code === 'ok' ? [at < 2 ? 'files:read_any' : 'files:manage_any'] : []));
    expect(await audited()).toEqual(uses.map((permission) => ['file.accessed', stranger, id, { permission }]));
  });

  it("of another tenant is absent, whatever one may do in one's own", async () => {
    const { id } = await upload(owner);
    const other = await chat.createTenant();
    const remove = chat.as(other, () => chat.files.remove(id));
    await expect(remove).rejects.toMatchObject({ code: 'not_found' });
    await expect(chat.as(other, () => chat.files.describe([id]))).rejects.toMatchObject({ code: 'not_found' });
  });

  it('goes with its bytes', async () => {
    const { id } = await upload(owner);
    expect(await keptOf(id)).toHaveLength(1);
    expect(await outcome(owner, () => chat.files.remove(id))).toBe('ok');
    expect([await keptOf(id), await rowsOf(id)]).toEqual([[], []]);
    expect(await outcome(owner, () => chat.files.remove(id))).toBe('not_found');
  });

  it("is listed among one's own, newest first, and by permission among everybody's, which is audited", async () => {
    const ids: string[] = [];
    for (const text of ['a', 'b', 'c']) ids.unshift((await upload(owner, text)).id);
    const theirs = (await upload(friend)).id;
    const list = (cursor?: string) => () => chat.files.list({ limit: 2, ...(cursor && { cursor }) });
    const first = await as(owner, list());
    const rest = await as(owner, list(first.next_cursor ?? ''));
    expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(ids);
    const all = await as(friend, list(), 'files:read_any');
    expect(all.data.map(({ id }) => id)).toEqual([theirs, ids[0]]);
    const permission = 'files:read_any';
    expect(await audited()).toEqual([['file.listed', friend, tenant, { permission, ids: [ids[0]] }]]);
  });
});

describe('an attached file', () => {
  let conversation: string;

  beforeEach(async () => {
    conversation = (await as(owner, () => chat.conversations.create({ agent_id }))).id;
  });

  const send = (user: string, ...ids: string[]) =>
    as(user, () =>
      messages.send({ id: conversation, content: 'Look', attachments: ids.map((file_id) => ({ file_id })) }),
    );

  it('needs no word beside it, and what has neither is refused', async () => {
    const { id } = await upload(owner);
    const say = (content: string, attachments: { file_id: string }[]) =>
      as(owner, () => messages.send({ id: conversation, content, attachments }));
    expect((await say('', [{ file_id: id }])).message).toMatchObject({ content: '', attachments: [{ file_id: id }] });
    await expect(say('', [])).rejects.toMatchObject({ code: 'validation_failed' });
  });

  it('is shown in its message, and named to the run', async () => {
    const { id } = await upload(owner);
    const { message, run_id } = await send(owner, id);
    const attachment = { file_id: id, filename: 'hello.txt', content_type: 'text/plain; charset=utf-8', bytes: 5 };
    expect(message.attachments).toEqual([attachment]);
    const listed = await as(owner, () => messages.list({ id: conversation, limit: 20 }));
    expect(listed.data[0]?.attachments).toEqual([attachment]);
    const asked = chat.orchestrator.started.get(run_id);
    expect(asked?.messages.at(-1)).toEqual({ role: 'user', content: 'Look', run_id: null, attachments: [attachment] });
    expect(JSON.stringify(await chat.eventsOf(tenant, 'message.created'))).not.toContain('stored_as');
  });

  it('may be read by who sees the conversation, as long as they do', async () => {
    const { id } = await upload(owner);
    await send(owner, id);
    const get = () => chat.files.get(id);
    expect(await outcome(friend, get)).toBe('not_found');
    await as(owner, () => chat.participants.add({ id: conversation, user_id: friend, role: 'reader' }));
    expect(await outcome(friend, get)).toBe('ok');
    expect(await outcome(friend, () => chat.files.remove(id))).toBe('forbidden');
    expect(await outcome(stranger, get)).toBe('not_found');
    await as(owner, () => chat.participants.remove({ id: conversation, user_id: friend }));
    expect(await outcome(friend, get)).toBe('not_found');
    expect(await audited()).toHaveLength(2);
  });

  it('is one that the sender may read: else nothing is said', async () => {
    const { id } = await upload(stranger);
    for (const foreign of [id, v7()])
      await expect(send(owner, foreign)).rejects.toMatchObject({
        code: 'not_found',
        message: 'There is no such file.',
      });
    expect((await as(owner, () => messages.list({ id: conversation, limit: 20 }))).data).toEqual([]);
  });

  it('that was deleted is still named by its message, and found no more', async () => {
    const { id } = await upload(owner);
    await send(owner, id);
    await as(owner, () => chat.files.remove(id));
    const { data } = await as(owner, () => messages.list({ id: conversation, limit: 20 }));
    expect(data[0]?.attachments).toMatchObject([{ file_id: id }]);
    expect(await as(owner, () => chat.files.locate([id]))).toEqual([]);
  });
});

describe('an address of a file', () => {
  const tokenOf = ({ url }: { url: string }) => url.slice('/v1/file-links/'.length);
  const linked = (token: string) =>
    chat.files.linked(token).then(
      (place) => place.file_id,
      ({ code }: { code: string }) => code,
    );

  it('is made by who may read it, for the time that they say, and opens it for anybody', async () => {
    const { id } = await upload(owner);
    expect(await outcome(stranger, () => chat.files.createUrl({ id }))).toBe('not_found');
    const made = await as(owner, () => chat.files.createUrl({ id, expires_in: 60 }));
    expect(new Date(made.expires_at).getTime() - Date.now()).toBeLessThanOrEqual(60_000);
    expect(await linked(tokenOf(made))).toBe(id);
    expect(await linked(tokenOf(made).slice(0, -2))).toBe('not_found');
  });

  it('is no longer good when the file is gone, or the tenant is suspended', async () => {
    const [one, other] = [await upload(owner, 'a'), await upload(owner, 'b')];
    const [first, second] = await as(owner, () =>
      Promise.all([one, other].map(({ id }) => chat.files.createUrl({ id }))),
    );
    await as(owner, () => chat.files.remove(one.id));
    expect(await linked(tokenOf(first ?? { url: '' }))).toBe('not_found');
    await chat.admin(`update tenants set status = 'suspended' where id = $1`, [tenant]);
    expect(await linked(tokenOf(second ?? { url: '' }))).toBe('not_found');
  });
});

describe('an upload', () => {
  it('that is repeated by its key is one file, whose other bytes go', async () => {
    const { id } = await as(owner, () => chat.files.create());
    const [one, two] = [await receive(id), await receive(id)];
    const [first, second] = await Promise.all([one, two].map((each) => as(owner, () => chat.files.finish(each))));
    expect(first).toEqual(second);
    expect(await keptOf(id)).toHaveLength(1);
    const { stored_as } = await as(owner, () => chat.files.content(id));
    expect((await keptOf(id))[0]).toContain(stored_as);
  });

  it.each([
    ['bytes', 'Other', {}],
    ['name', 'Hello', { filename: 'other.txt' }],
    ['purpose', 'Hello', { purpose: 'vision' as const }],
  ])('with a used key and another %s is refused, and leaves the file as it was', async (_, text, change) => {
    const { id } = await as(owner, () => chat.files.create());
    const received = await receive(id);
    await as(owner, () => chat.files.finish(received));
    const other = await receive(id, text, change);
    expect(await outcome(owner, () => chat.files.finish(other))).toBe('idempotency_mismatch');
    expect(await keptOf(id)).toEqual([expect.stringContaining(received.stored_as)]);
  });

  it('that its client gave up leaves nothing', async () => {
    const { id } = await as(owner, () => chat.files.create());
    await as(owner, () => chat.files.discard(id));
    expect(await rowsOf(id)).toEqual([]);
  });

  it('whose row was swept meanwhile comes to its end by its key all the same', async () => {
    const { id } = await as(owner, () => chat.files.create());
    await as(owner, () => chat.files.discard(id));
    const received = await receive(id);
    expect(await as(owner, () => chat.files.finish(received))).toMatchObject({ id, user_id: owner });
  });

  it('that broke off is swept after a day, and a deletion that did at once', async () => {
    const [{ id: young }, { id: old }] = [
      await as(owner, () => chat.files.create()),
      await as(owner, () => chat.files.create()),
    ];
    const { id: broken } = await upload(owner);
    const { id: good } = await upload(owner);
    await receive(old);
    await age(old, 26);
    await age(good, 26);
    await age(young, 24);
    await chat.admin(`update files set status = 'deleting' where id = $1`, [broken]);
    await Promise.all([chat.sweep.sweep(), chat.sweep.sweep()]);
    expect([await rowsOf(old), await keptOf(old)]).toEqual([[], []]);
    expect([await rowsOf(broken), await keptOf(broken)]).toEqual([[], []]);
    expect([await rowsOf(good), await rowsOf(young)]).toEqual([['ready'], ['uploading']]);
    expect(await keptOf(good)).toHaveLength(1);
  });
});

describe('the sweep', () => {
  const forsaken = (tenant_id: string, count: number) =>
    chat.admin(
      `insert into files (tenant_id, id, status, created_at)
       select $1, gen_random_uuid(), 'deleting', now() - interval '2 days' from generate_series(1, $2)`,
      [tenant_id, count],
    );
  const left = async (tenant_id: string) =>
    (await chat.admin('select from files where tenant_id = $1', [tenant_id])).length;

  it('takes turns between tenants, however much one of them has', async () => {
    const other = await chat.createTenant();
    await forsaken(tenant, 1000);
    await forsaken(other, 3);
    const due = await chat.fileRows.due(60, 20);
    expect(due.filter(({ tenant_id }) => tenant_id === other)).toHaveLength(3);
    expect(due.filter(({ tenant_id }) => tenant_id === tenant).length).toBeLessThanOrEqual(10);
    await chat.sweep.sweep();
    expect([await left(tenant), await left(other)]).toEqual([0, 0]);
  });

  it('goes on with the others where one fails, and ends', async () => {
    const other = await chat.createTenant();
    await forsaken(tenant, 5);
    await forsaken(other, 200);
    const remove = jest.spyOn(chat.kept.store, 'remove');
    remove.mockImplementation((key) =>
      key.startsWith(tenant) ? Promise.reject(new Error('The disk is gone.')) : Promise.resolve(),
    );
    await chat.sweep.sweep();
    remove.mockRestore();
    expect([await left(tenant), await left(other)]).toEqual([5, 0]);
    await chat.sweep.sweep();
    expect(await left(tenant)).toBe(0);
  });
});

describe('a file that comes along with a message', () => {
  const bring = (user: string, conversation_id: string) =>
    as(user, () => chat.files.bring({ conversation_id, number: 0 }));
  const conversationOf = async (user: string) => (await as(user, () => chat.conversations.create({ agent_id }))).id;

  it('has a row where the sender may write, and none elsewhere', async () => {
    const conversation = await conversationOf(owner);
    expect(await outcome(stranger, () => bring(stranger, conversation))).toBe('not_found');
    await as(owner, () => chat.participants.add({ id: conversation, user_id: friend, role: 'reader' }));
    expect(await outcome(friend, () => bring(friend, conversation))).toBe('forbidden');
    expect(await outcome(owner, () => bring(owner, v7()))).toBe('not_found');
    const { id } = await bring(owner, conversation);
    expect(await rowsOf(id)).toEqual(['uploading']);
  });

  it("is its sender's like an upload: counted, sent, and no more released", async () => {
    const conversation = await conversationOf(owner);
    const { id } = await bring(owner, conversation);
    await chat.admin(
      `insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $2, 'free', now())`,
      [tenant, v7()],
    );
    await as(owner, async () => chat.files.finish(await receive(id)));
    expect(await as(owner, () => chat.files.kept())).toBe(5);
    await as(owner, () => messages.send({ id: conversation, content: 'Look', attachments: [{ file_id: id }] }));
    await as(owner, () => chat.files.release([id]));
    expect([await rowsOf(id), await keptOf(id)]).toEqual([['ready'], [expect.any(String)]]);
  });

  it('goes with a message that was refused, by nobody but its sender', async () => {
    const { id } = await upload(owner);
    await as(friend, () => chat.files.release([id]));
    expect(await rowsOf(id)).toEqual(['ready']);
    await as(owner, () => chat.files.release([id, v7()]));
    expect([await rowsOf(id), await keptOf(id)]).toEqual([[], []]);
  });

  it('is a file by the time that its message is sent', async () => {
    const conversation = await conversationOf(owner);
    const url = 'data:text/plain;base64,SGVsbG8=';
    const send = () => messages.send({ id: conversation, content: 'Look', attachments: [{ url }] });
    expect(await outcome(owner, send)).toBe('validation_failed');
  });
});

describe('what a tenant keeps', () => {
  const allow = (limits: object) =>
    chat.admin('update subscriptions set limits = $2 where tenant_id = $1', [tenant, JSON.stringify(limits)]);

  beforeEach(() =>
    chat.admin(
      `insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $2, 'free', now())`,
      [tenant, v7()],
    ),
  );

  it('is bounded by its plan, however many come at once', async () => {
    await allow({ stored_file_bytes: 12 });
    const uploads = await Promise.all(
      ['Hello', 'World', 'Again'].map(async (text) => {
        const { id } = await as(owner, () => chat.files.create());
        const received = await receive(id, text);
        return { id, code: await outcome(friend, () => chat.files.finish(received)) };
      }),
    );
    expect(uploads.map(({ code }) => code).sort()).toEqual(['ok', 'ok', 'storage_full']);
    const refused = uploads.find(({ code }) => code !== 'ok')?.id ?? '';
    expect(await keptOf(refused)).toEqual([]);
    expect(await outcome(owner, () => chat.files.create())).toBe('ok');
    await allow({ stored_file_bytes: 10 });
    expect(await outcome(owner, () => chat.files.create())).toBe('storage_full');
  });

  it('is 500 MB on the free plan, and 100 uploads under way', async () => {
    const { id } = await as(owner, () => chat.files.create());
    const huge = await receive(id, 'Hello', { bytes: 500 * 1024 * 1024 + 1 });
    expect(await outcome(owner, () => chat.files.finish(huge))).toBe('storage_full');
    await chat.admin(`insert into files (tenant_id, id) select $1, gen_random_uuid() from generate_series(1, 99)`, [
      tenant,
    ]);
    expect(await outcome(owner, () => chat.files.create())).toBe('storage_full');
  });

  it('goes with the tenant, bytes first', async () => {
    const files = [await upload(owner), await upload(friend)];
    const conversation = await as(owner, () => chat.conversations.create({ agent_id }));
    const attachments = [{ file_id: files[0]?.id ?? '' }];
    await as(owner, () => messages.send({ id: conversation.id, content: 'Look', attachments }));
    const erase = () => chat.as(tenant, () => chat.tenantData.erase({}));
    await expect(erase()).rejects.toMatchObject({ code: 'conflict' });
    expect(await keptOf(tenant)).toHaveLength(2);
    await chat.admin(`update tenants set status = 'deleting', delete_at = now() where id = $1`, [tenant]);
    while ((await erase()).rows > 0);
    expect(await keptOf(tenant)).toEqual([]);
    for (const table of ['files', 'conversation_files', 'messages'])
      expect(await chat.admin(`select from ${table} where tenant_id = $1`, [tenant])).toEqual([]);
  });
});
