import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createRedis, whenReady, type RedisClient } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { freePort } from '../../../../scripts/lib/ports';
import { findRedisProgram } from '../../../../scripts/servers/redis-program';
import type { RateScope } from './rate-levels';
import { RateLimiter } from './rate-limiter';

let port: number;
let server: ChildProcess;
let redis: RedisClient;
let limiter: RateLimiter;

async function startServer(): Promise<ChildProcess> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const { command, env } = await findRedisProgram();
  return spawn(command, options, { stdio: 'ignore', env: { ...process.env, ...env } });
}

beforeEach(async () => {
  port = await freePort();
  server = await startServer();
  redis = createRedis(`redis://127.0.0.1:${port}`, { role: 'commands', connectionName: 'spec' });
  await whenReady(redis);
  limiter = new RateLimiter(redis);
});
afterEach(async () => {
  redis.disconnect();
  await kill('SIGKILL');
});

async function kill(signal: NodeJS.Signals): Promise<void> {
  const gone = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined;
  server.kill(signal);
  await gone;
}

const scopeOf = (per_minute: number): RateScope => ({
  whose: randomUUID(),
  levels: [{ name: 'tenant', field: 'tenant', per_minute, amount: 1 }],
});

const decisions = async (count: number, scope: RateScope, isGuarded = false) =>
  Promise.all(
    Array.from({ length: count }, () =>
      limiter.take(scope, isGuarded).then(
        ({ refusal }) => (refusal ? 'refused' : 'admitted'),
        ({ code, extras }: { code?: string; extras?: { retry_after?: number } }) => `${code} ${extras?.retry_after}`,
      ),
    ),
  );

const admitted = async (count: number, scope: RateScope) =>
  (await decisions(count, scope)).filter((outcome) => outcome === 'admitted').length;

/** What holds while Redis is not there, be it dead or slow. */
async function expectShares(): Promise<void> {
  const scope = scopeOf(40);
  expect(await admitted(40, scope)).toBe(10);
  expect(await admitted(40, { ...scope, whose: randomUUID() })).toBe(10);
  expect(await decisions(2, scopeOf(40), true)).toEqual(['service_unavailable 1', 'service_unavailable 1']);
  await expect(limiter.read(scope)).rejects.toMatchObject({ code: 'service_unavailable' });
}

it('admits a share of each limit when Redis is gone, nothing where it guards, and goes on with Redis when it is back', async () => {
  await kill('SIGKILL');
  await until(() => redis.status !== 'ready');
  await expectShares();
  server = await startServer();
  await until(async () => (await decisions(1, scopeOf(40), true))[0] === 'admitted');
  expect(await admitted(40, scopeOf(20))).toBe(20);
}, 20_000);

it('does the same with one that stands still, which is asked by one request at a time', async () => {
  const asked = jest.spyOn(redis, 'takeRates');
  server.kill('SIGSTOP');
  expect(await decisions(1, scopeOf(40), true)).toEqual(['service_unavailable 1']);
  expect(asked).toHaveBeenCalledTimes(1);
  await expectShares();
  expect(asked.mock.calls.length).toBeLessThan(10);
  server.kill('SIGCONT');
  await until(async () => (await decisions(1, scopeOf(40), true))[0] === 'admitted');
}, 20_000);
