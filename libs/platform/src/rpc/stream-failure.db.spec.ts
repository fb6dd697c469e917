import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RpcClient } from './client/client';
import { codeOf, gate, redisUrl, TestService, until, type Anything } from './fleet.testing';
import { bundleFixture, kill, replicaOrder, startFixture } from './processes.testing';

/** How a stream may end whose connections were cut: never with fewer outputs than there are, or with others. */
const typed = ['ok', 'stream_broken', 'replica_lost', 'service_unavailable'];

describe('A stream', () => {
  const redis = new Redis(redisUrl());
  let service: TestService;
  let client: RpcClient;

  beforeAll(async () => {
    await bundleFixture('replica', 'stream-replica');
    await bundleFixture('caller', 'stream-caller');
  });
  beforeEach(async () => {
    service = new TestService();
    client = await service.client();
  });
  afterEach(() => service.close());
  afterAll(() => redis.disconnect());

  it('fails as replica_lost 3 s after its replica died, and is not begun by another', async () => {
    const doomed = await startFixture('stream-replica', replicaOrder(service));
    let executions = 0;
    let died = Infinity;
    const seen: unknown[] = [];
    const failure = codeOf(
      (async () => {
        for await (const { n } of client.for(service.contract).stream({})) {
          seen.push(n);
          if (n !== 100) continue;
          await service.replica({ stream: () => executions++ });
          await kill(doomed);
          died = performance.now();
        }
      })(),
    );
    expect(await failure).toBe('replica_lost');
    expect(performance.now() - died).toBeLessThan(5000);
    expect(seen).toEqual(Array.from(seen, (_, n) => n));
    expect(executions).toBe(0);
  }, 20_000);

  it('ends at the handler when the process of its reader is killed', async () => {
    const ended = gate();
    let reason: unknown;
    await service.replica({
      stream: async function* (_input: Anything, signal: AbortSignal) {
        signal.addEventListener('abort', () => (reason = signal.reason));
        try {
          for (let n = 0; ; n++) {
            yield { n };
            await sleep(1);
          }
        } finally {
          ended.resolve();
        }
      },
    });
    const reader = await startFixture('stream-caller', replicaOrder(service));
    await kill(reader);
    await ended.promise;
    expect(reason).toMatchObject({ code: 'cancelled' });
  }, 20_000);

  /** Cuts every connection of this test's replicas and callers whose name ends so; answers how many. */
  async function cut(role: string, owner: string): Promise<number> {
    const clients = (await redis.client('LIST')) as string;
    const ids = clients.split('\n').flatMap((line) => {
      const [, id, name = ''] = /^id=(\d+) .* name=(\S*) /.exec(line) ?? [];
      return id && name.startsWith(owner) && name.endsWith(`:${role}`) ? [id] : [];
    });
    await Promise.all(ids.map((id) => redis.client('KILL', 'ID', id)));
    return ids.length;
  }

  it.each(['replies', 'controls', 'long', 'caller:requests', 'caller:replies'])(
    'is complete, or fails typed, when connections are cut: %s',
    async (connection) => {
      let executions = 0;
      async function* count() {
        executions++;
        for (let n = 0; n < 300; n++) {
          yield { n };
          await sleep(1);
        }
      }
      await service.replica({ stream: count });
      await service.replica({ stream: count });
      const lengths: number[] = [];
      const codes: unknown[] = [];
      let [outputs, streams, running] = [0, 0, true];
      const read = async () => {
        let next = 0;
        for await (const { n } of client.for(service.contract).stream({})) {
          outputs++;
          expect(n).toBe(next++);
        }
        lengths.push(next);
      };
      const readers = Array.from({ length: 8 }, async () => {
        for (; running; streams++) codes.push(await codeOf(read()));
      });
      const [owner, role = ''] = connection.startsWith('caller:')
        ? [client.caller, connection.slice('caller:'.length)]
        : [service.name, connection];
      for (let round = 0; round < 3; round++) {
        const before = outputs;
        await until(() => outputs > before + 500);
        expect(await cut(role, owner)).toBeGreaterThan(0);
      }
      const before = streams;
      await until(() => streams > before + 16);
      running = false;
      await Promise.all(readers);
      expect(codes.filter((code) => !typed.includes(String(code)))).toEqual([]);
      expect(codes.slice(-8)).toEqual(Array.from({ length: 8 }, () => 'ok'));
      expect(lengths.every((length) => length === 300)).toBe(true);
      expect(executions).toBeLessThanOrEqual(codes.length);
    },
    40_000,
  );
});
