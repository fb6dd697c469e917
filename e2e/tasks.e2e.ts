import { sharedFleet } from './support/shared-fleet';
import { newTenant, type TestTenant } from './support/tenant';

const { anonymous } = sharedFleet();

describe('tasks', () => {
  let tenant: TestTenant;

  beforeEach(async () => {
    tenant = await newTenant(anonymous);
  });

  it('are created, read, changed, completed and deleted', async () => {
    const { client, user_id } = tenant;
    const task = {
      title: 'Write the report',
      description: 'By Friday',
      priority: 'high',
      due_at: '2027-01-29T17:00:00.000Z',
      assignee_id: user_id,
      labels: ['work'],
    };
    const created = await client.post('/v1/tasks', task);
    expect(created).toMatchObject({
      status: 201,
      body: { ...task, status: 'todo', created_by: user_id, completed_at: null },
    });
    const path = `/v1/tasks/${created.body['id']}`;
    expect((await client.get(path)).body).toEqual(created.body);

    const done = await client.patch(path, { status: 'done', due_at: null });
    expect(done).toMatchObject({ status: 200, body: { status: 'done', due_at: null, title: task.title } });
    expect(done.body['completed_at']).not.toBeNull();

    expect((await client.delete(path)).status).toBe(204);
    expect((await client.get(path)).status).toBe(404);
    expect((await client.delete(path)).status).toBe(404);
  });

  it('are listed newest first, page by page, by filter', async () => {
    const { client } = tenant;
    for (let n = 1; n <= 7; n++)
      await client.post('/v1/tasks', { title: `Task ${n}`, priority: n % 2 ? 'low' : 'urgent' });
    const titles: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { body: { data: { title: string }[]; has_more: boolean; next_cursor: string | null } } =
        await client.get(`/v1/tasks?limit=3${cursor ? `&cursor=${cursor}` : ''}`);
      titles.push(...page.body.data.map(({ title }) => title));
      expect(page.body.has_more).toBe(page.body.next_cursor !== null);
      cursor = page.body.next_cursor;
    } while (cursor);
    expect(titles).toEqual([7, 6, 5, 4, 3, 2, 1].map((n) => `Task ${n}`));
    const urgent = await client.get('/v1/tasks?priority=urgent');
    expect(urgent.body['data'].map(({ title }: { title: string }) => title)).toEqual(['Task 6', 'Task 4', 'Task 2']);
  });

  it('are created once for one Idempotency-Key', async () => {
    const { client } = tenant;
    const post = (title: string) => client.post('/v1/tasks', { title }, { headers: { 'idempotency-key': 'k-1' } });
    const first = await post('Once');
    const second = await post('Once');
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect(await post('Another')).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    const many = await Promise.all(
      Array.from({ length: 10 }, () =>
        client.post('/v1/tasks', { title: 'Race' }, { headers: { 'idempotency-key': 'k-2' } }),
      ),
    );
    expect(many.every(({ status, body }) => status === 201 || body['code'] === 'idempotency_in_flight')).toBe(true);
    expect((await client.get('/v1/tasks')).body['data']).toHaveLength(2);
  });

  it('are answered with the request id and security headers', async () => {
    const { headers } = await tenant.client.get('/v1/tasks', { headers: { 'x-request-id': 'my-request' } });
    expect(headers.get('x-request-id')).toBe('my-request');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-powered-by')).toBeNull();
  });
});
