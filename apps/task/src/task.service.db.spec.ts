import type { Task } from '@taai/contracts';
import { v7 } from 'uuid';
import { openTaskService, type Somebody } from './task.testing';

let house: Awaited<ReturnType<typeof openTaskService>>;
let ada: Somebody;
let stranger: Somebody;

beforeAll(async () => {
  house = await openTaskService();
});
afterAll(() => house.close());

beforeEach(async () => {
  [ada, stranger] = await Promise.all([house.newUser(), house.newUser()]);
});

const create = (fields = {}, who = ada) => who.as(() => house.tasks.create({ title: 'Call Bob', ...fields }));
const get = (id: string, who = ada) => who.as(() => house.tasks.get({ id }));
const update = (id: string, fields: object, who = ada) => who.as(() => house.tasks.update({ id, ...fields }));
const remove = (id: string, who = ada) => who.as(() => house.tasks.remove({ id }));
const titles = (who = ada) =>
  who.as(async () => (await house.tasks.list({ limit: 20 })).data.map(({ title }) => title));
const eventTypes = async (who = ada) => (await house.outbox(who)).map(({ type }) => type);

const invalidAssignee = { code: 'validation_failed', extras: { errors: [{ path: 'assignee_id' }] } };
const absent = { code: 'not_found', message: 'There is no such task.' };

describe('a task', () => {
  it('is read as it was created', async () => {
    const bob = await house.newUser(ada.tenant_id);
    const fields = {
      title: "Robert'); drop table tasks;--",
      description: '"Ünïcödé" \\ {} , \n 🙂',
      status: 'done',
      priority: 'urgent',
      due_at: '2026-05-01T09:30:00+02:00',
      assignee_id: bob.user_id,
      labels: ['a,b', '"quoted"', '{}', 'NULL'],
    };

    const task = await create(fields);

    expect(task).toMatchObject({ ...fields, due_at: '2026-05-01T07:30:00.000Z', created_by: ada.user_id });
    const [read, { data }] = await ada.as(() => Promise.all([get(task.id), house.tasks.list({ limit: 20 })]));
    expect(JSON.stringify(read)).toBe(JSON.stringify(task));
    expect(JSON.stringify(data)).toBe(JSON.stringify([task]));
  });

  it('is changed in what is given', async () => {
    const task = await create({ description: 'old', labels: ['x'] });
    const changed = await update(task.id, { title: 'Call Carol', description: null });
    expect(changed).toEqual({ ...task, title: 'Call Carol', description: null, updated_at: expect.any(String) });
    await expect(get(task.id)).resolves.toEqual(changed);
  });

  it('loses none of two changes at once', async () => {
    const { id } = await create();
    await Promise.all([update(id, { title: 'Call Carol' }), update(id, { priority: 'high' })]);
    await expect(get(id)).resolves.toMatchObject({ title: 'Call Carol', priority: 'high' });
  });

  it('is gone once it is deleted', async () => {
    const { id } = await create();
    await remove(id);
    await expect(get(id)).rejects.toMatchObject(absent);
    await expect(update(id, { title: 'x' })).rejects.toMatchObject(absent);
    await expect(remove(id)).rejects.toMatchObject(absent);
    await expect(titles()).resolves.toEqual([]);
  });

  it('of another tenant is as absent as one that never was', async () => {
    const { id } = await create();
    for (const missing of [id, v7()]) {
      await expect(get(missing, stranger)).rejects.toMatchObject(absent);
      await expect(update(missing, { title: 'mine' }, stranger)).rejects.toMatchObject(absent);
      await expect(remove(missing, stranger)).rejects.toMatchObject(absent);
    }
    await expect(titles(stranger)).resolves.toEqual([]);
    await expect(get(id)).resolves.toMatchObject({ title: 'Call Bob' });
  });

  it('is assigned to users of its tenant alone', async () => {
    const { id } = await create();
    for (const assignee_id of [stranger.user_id, v7()]) {
      await expect(create({ assignee_id })).rejects.toMatchObject(invalidAssignee);
      await expect(update(id, { assignee_id })).rejects.toMatchObject(invalidAssignee);
      const once = ada.as(() => house.tasks.create({ title: 'x', assignee_id }), v7());
      await expect(once).rejects.toMatchObject(invalidAssignee);
    }
    await expect(titles()).resolves.toEqual(['Call Bob']);
  });
});

describe('events', () => {
  it('leave with the change that they tell of', async () => {
    const task = await create();
    const done = await update(task.id, { status: 'done' });
    await remove(task.id);

    const events = await house.outbox(ada);

    expect(events.map(({ type, payload }) => [type, payload.data])).toEqual([
      ['task.created', task],
      ['task.updated', done],
      ['task.completed', done],
      ['task.deleted', { id: task.id }],
    ]);
    for (const { id, type, payload } of events) {
      expect(payload).toMatchObject({ id, type, tenant_id: ada.tenant_id, created_at: expect.any(String) });
    }
  });

  it('do not leave when the change fails', async () => {
    const { id } = await create();
    await expect(create({ assignee_id: v7() })).rejects.toThrow();
    await expect(update(id, { status: 'done', assignee_id: v7() })).rejects.toThrow();
    await expect(update(id, { due_at: '2026-W01' })).rejects.toThrow();
    await expect(remove(v7())).rejects.toThrow();
    await expect(eventTypes()).resolves.toEqual(['task.created']);
  });
});

describe('an Idempotency-Key', () => {
  const createOnce = (key: string, title: string, who = ada) => who.as(() => house.tasks.create({ title }), key);

  it('gives the same answer again', async () => {
    const first = await createOnce('k', 'Call Bob');
    await update(first.id, { title: 'Call Carol' });
    expect(JSON.stringify(await createOnce('k', 'Call Bob'))).toBe(JSON.stringify(first));
    await expect(titles()).resolves.toEqual(['Call Carol']);
    await expect(eventTypes()).resolves.toEqual(['task.created', 'task.updated']);
  });

  it('creates one task for many requests at once', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => createOnce('k', 'Call Bob')));

    const answers = results.filter((result): result is PromiseFulfilledResult<Task> => result.status === 'fulfilled');
    const refusals = results.filter((result): result is PromiseRejectedResult => result.status === 'rejected');
    expect(new Set(answers.map(({ value }) => value.id)).size).toBe(1);
    for (const { reason } of refusals) expect(reason).toMatchObject({ code: 'idempotency_in_flight', status: 409 });
    await expect(titles()).resolves.toEqual(['Call Bob']);
    await expect(eventTypes()).resolves.toEqual(['task.created']);
  });

  it('belongs to one request of one user', async () => {
    await createOnce('k', 'Call Bob');
    const other = createOnce('k', 'Call Carol');
    await expect(other).rejects.toMatchObject({ code: 'idempotency_mismatch', status: 422 });
    await createOnce('k', 'Call Carol', stranger);
    await expect(titles(stranger)).resolves.toEqual(['Call Carol']);
  });
});
