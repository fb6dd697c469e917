import type { ListTasks, PageOf, Task } from '@taai/contracts';
import { openTaskService, type Somebody } from './task.testing';

let house: Awaited<ReturnType<typeof openTaskService>>;
let ada: Somebody;

beforeAll(async () => {
  house = await openTaskService();
});
afterAll(() => house.close());

beforeEach(async () => {
  ada = await house.newUser();
});

const create = (title: string, fields = {}) => ada.as(() => house.tasks.create({ title, ...fields }));
const list = (query: Partial<ListTasks> = {}) => ada.as(() => house.tasks.list({ limit: 20, ...query }));
const titles = async (query: Partial<ListTasks>) => (await list(query)).data.map(({ title }) => title);

describe('a list', () => {
  it('shows the newest first', async () => {
    for (const title of ['a', 'b', 'c']) await create(title);
    await expect(titles({})).resolves.toEqual(['c', 'b', 'a']);
  });

  it('shows 20 unless asked for another number', async () => {
    await Promise.all(Array.from({ length: 21 }, (_, n) => create(`${n}`)));
    await expect(list()).resolves.toMatchObject({ data: { length: 20 }, has_more: true });
    await expect(list({ limit: 21 })).resolves.toMatchObject({
      data: { length: 21 },
      has_more: false,
      next_cursor: null,
    });
  });

  it('is cut to what one reply carries, and goes on from there', async () => {
    const description = '\u0001'.repeat(20_000);
    for (let n = 0; n < 30; n++) await create(`${n}`, { description });
    const sizes: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await list({ limit: 100, ...(cursor && { cursor }) });
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1_500_000);
      sizes.push(page.data.length);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(sizes).toEqual([11, 11, 8]);
  });

  it('is narrowed by each filter and by all together', async () => {
    const bob = await house.newUser(ada.tenant_id);
    await create('plain');
    await create('done', { status: 'done' });
    await create('urgent', { priority: 'urgent' });
    await create('bobs', { assignee_id: bob.user_id });
    await create('labelled', { labels: ['sales', 'q3'] });
    await create('due', { due_at: '2026-01-01T00:00:00Z' });
    const all = {
      status: 'done',
      priority: 'urgent',
      assignee_id: bob.user_id,
      label: 'sales',
      due_before: '2026-06-01',
    } as const;
    await create('everything', { ...all, labels: ['sales'], due_at: '2026-02-01T00:00:00Z' });

    await expect(titles({ status: 'done' })).resolves.toEqual(['everything', 'done']);
    await expect(titles({ priority: 'urgent' })).resolves.toEqual(['everything', 'urgent']);
    await expect(titles({ assignee_id: bob.user_id })).resolves.toEqual(['everything', 'bobs']);
    await expect(titles({ label: 'sales' })).resolves.toEqual(['everything', 'labelled']);
    await expect(titles({ label: 'sale' })).resolves.toEqual([]);
    await expect(titles({ due_before: '2026-06-01' })).resolves.toEqual(['everything', 'due']);
    await expect(titles({ due_before: '2026-01-01T00:00:00Z' })).resolves.toEqual([]);
    await expect(titles(all)).resolves.toEqual(['everything']);
    await expect(list({ ...all, due_before: '2026-W01' })).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'due_before' }] },
    });
  });

  it('goes on after each page without a gap or a duplicate while tasks are created', async () => {
    const before: string[] = [];
    for (let n = 0; n < 60; n++) before.push((await create(`old ${n}`, { status: 'in_progress' })).id);

    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const query = { limit: 7, status: 'in_progress' as const, ...(cursor && { cursor }) };
      const newer = Array.from({ length: 3 }, () => create('new', { status: 'in_progress' }));
      const [page]: [PageOf<Task>, ...Task[]] = await Promise.all([list(query), ...newer]);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    }

    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual([...seen].sort().reverse());
    expect(seen.filter((id) => before.includes(id))).toEqual(before.reverse());
  });

  it.each([
    ['no JSON', 'x'],
    ['empty', ''],
    ['another list', Buffer.from('["a","b"]').toString('base64url')],
    ['no id', Buffer.from('["\' or 1=1"]').toString('base64url')],
    ['an object', Buffer.from('{}').toString('base64url')],
  ])('refuses a cursor that is %s', async (_, cursor) => {
    await expect(list({ cursor })).rejects.toMatchObject({ code: 'invalid_cursor', status: 400 });
  });
});
