import { Redis } from 'ioredis';
import { codeOf, redisUrl, TestService, until } from './fleet.testing';

/** What a caller may be told of a call that a cut connection has swallowed. */
const typed = ['ok', 'service_unavailable', 'deadline_exceeded', 'replica_lost'];

describe('When Redis connections are cut under load', () => {
  const redis = new Redis(redisUrl());
  let service: TestService;
  let codes: unknown[];
  let executions: Map<unknown, number>;

  beforeEach(async () => {
    service = new TestService();
    codes = [];
    executions = new Map();
    const count = async ({ n }: { n?: unknown }) => {
      executions.set(n, (executions.get(n) ?? 0) + 1);
      return { n };
    };
    await service.replica({ read: count, write: count });
    await service.replica({ read: count, write: count });
  });
  afterEach(() => service.close());
  afterAll(() => redis.disconnect());

  /** Cuts every connection of the test's replicas and callers whose name ends so; answers how many. */
  async function cut(role: string, owner: string): Promise<number> {
    const clients = (await redis.client('LIST')) as string;
    const ids = clients.split('\n').flatMap((line) => {
      const [, id, name = ''] = /^id=(\d+) .* name=(\S*) /.exec(line) ?? [];
      return id && name.startsWith(owner) && name.endsWith(`:${role}`) ? [id] : [];
    });
    await Promise.all(ids.map((id) => redis.client('KILL', 'ID', id)));
    return ids.length;
  }

  /** 16 callers at work while each kind of connection is cut three times; then all must work again. */
  async function cutAll(key: 'read' | 'write'): Promise<void> {
    const client = await service.client();
    let [n, running] = [0, true];
    const workers = Array.from({ length: 16 }, async () => {
      while (running) codes.push(await codeOf(client.call(service.method(key), { n: ++n }, { timeout_ms: 3000 })));
    });
    const cuts = [
      ['short', service.name],
      ['replies', service.name],
      ['requests', client.caller],
      ['replies', client.caller],
    ] as const;
    for (const [role, owner] of [...cuts, ...cuts, ...cuts]) {
      const before = codes.length;
      await until(() => codes.length > before + 100);
      expect(await cut(role, owner)).toBeGreaterThan(0);
    }
    const before = codes.length;
    await until(() => codes.length > before + 500);
    running = false;
    await Promise.all(workers);
    expect(await codeOf(client.call(service.method(key), { n: 0 }))).toBe('ok');
  }

  it('every call that must not be repeated is executed at most once, and answered or failed typed', async () => {
    await cutAll('write');
    expect(codes.filter((code) => !typed.includes(String(code)))).toEqual([]);
    expect([...executions.values()].every((count) => count === 1)).toBe(true);
    expect(codes.filter((code) => code === 'ok').length).toBeGreaterThan(codes.length / 2);
  }, 30_000);

  it('safe calls are repeated until they are answered', async () => {
    await cutAll('read');
    expect(new Set(codes)).toEqual(new Set(['ok']));
  }, 30_000);
});
