import { bearer, startEdge, type TestEdge } from './http.testing';

describe('the headers of a request', () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge();
  });

  afterAll(() => edge.close());

  const create = (headers: Record<string, string>) =>
    edge.fetch('/v1/tasks', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"title":"x"}',
    });

  it('an Idempotency-Key goes with the call', async () => {
    expect((await create({ ...bearer, 'idempotency-key': 'k-1' })).status).toBe(201);
    expect(edge.contexts.at(-1)).toMatchObject({ idempotency_key: 'k-1' });
    await create(bearer);
    expect(edge.contexts.at(-1)).not.toHaveProperty('idempotency_key');
  });

  it.each(['', 'a b', "' or 1=1 --", 'x'.repeat(256)])(
    'an Idempotency-Key of %j: 400, but 401 to those without credentials',
    async (key) => {
      expect((await create({ 'idempotency-key': key })).status).toBe(401);
      const refused = await create({ ...bearer, 'idempotency-key': key });
      expect([refused.status, JSON.parse(refused.text)]).toMatchObject([400, { code: 'malformed_request' }]);
    },
  );

  it('a request id comes back when it is one, else another does', async () => {
    const idOf = async (id: string) => (await create({ 'x-request-id': id })).headers.get('x-request-id');
    expect(await idOf('mine-1')).toBe('mine-1');
    expect(await idOf("'; drop table tasks; --")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
