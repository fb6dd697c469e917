// What the AI path adds: chat completions through our gateway (API key, permission, ledger and RPC on) and through the Portkey gateway, each
// against the direct call, on one mock provider that answers at once. And streams: time to the first token, 200 at once, saturation.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAll } from '../scripts/build.ts';
import { startFleet, type Fleet } from '../scripts/fleet.ts';
import { freePort } from '../scripts/lib/ports.ts';
import { launch } from '../scripts/lib/processes.ts';
import { run, type Scope } from '../scripts/lib/run.ts';
import { waitFor } from '../scripts/lib/wait.ts';
import { temporaryFolder, temporaryPostgres, temporaryRedis } from '../scripts/servers/temporary.ts';
import { databaseUrls } from '../scripts/start/database.ts';
import { makeKeys } from '../scripts/start/keys.ts';
import { migrate } from '../scripts/start/migrate.ts';
import { completions, firstTokens, streamsAtOnce, type Target } from './ai/load.ts';
import { serveMock } from './ai/mock.ts';
import { newMockTenant, startMock } from './mock-tenant.ts';
import { median, percentile, report, writeResults, type Measure } from './report.ts';

const ROUNDS = 5;
const SECONDS = 2;
const STREAMS = 200;
const TOKENS = 200;
const PACE_MS = 20;

async function startPortkey(scope: Scope, folder: string, mock: string): Promise<Target> {
  const port = await freePort();
  const portkey = await launch({
    command: process.execPath,
    args: ['node_modules/@portkey-ai/gateway/build/start-server.js', `--port=${port}`, '--headless'],
    env: { ...process.env, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
    logFile: join(folder, 'portkey.log'),
  });
  await scope.defer(() => portkey.stop());
  const origin = `http://127.0.0.1:${port}`;
  await waitFor(
    () =>
      fetch(origin).then(
        ({ ok }) => ok || undefined,
        () => undefined,
      ),
    20_000,
  );
  const headers = {
    authorization: 'Bearer sk-mock',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${mock}/v1`,
  };
  return { name: 'Portkey', origin, path: '/v1/chat/completions', headers, model: (name) => name };
}

/** The whole fleet, and an API key of a tenant whose provider is the mock. */
async function startOurs(scope: Scope, folder: string, mock: string): Promise<{ target: Target; fleet: Fleet }> {
  const keys = makeKeys();
  const [admin, redisUrl] = await Promise.all([temporaryPostgres(scope, folder), temporaryRedis(scope, folder)]);
  await buildAll();
  const urls = databaseUrls(admin, keys.passwords);
  await migrate(urls);
  const env = { OUTBOUND_ALLOW: '127.0.0.0/8', DEFAULT_PLAN: 'unlimited' };
  const fleet = await startFleet({ ports: 'free', databaseUrls: urls.services, redisUrl, keys, logDir: folder, env });
  await scope.defer(() => fleet.stop());
  const api = fleet.gatewayUrls[0] ?? '';
  const { key } = await newMockTenant(api, mock, 'bench');
  const headers = { authorization: `Bearer ${key}` };
  const target = {
    name: 'ours',
    origin: api,
    path: '/v1/chat/completions',
    headers,
    model: (name: string) => `mock/${name}`,
  };
  return { target, fleet };
}

const added = (times: readonly number[], direct: readonly number[], share: number) =>
  percentile(times, share) - percentile(direct, share);

/** Added milliseconds at 1 and 10 in flight and throughput at 100, of Portkey and ours in turn. */
async function measureJson(direct: Target, portkey: Target, ours: Target): Promise<Measure[]> {
  const measure = (name: string, unit: string): Measure => ({ name, unit, baseline: [], ours: [] });
  const latencies = [1, 10].map((flights) => ({
    flights,
    p50: measure(`added at ${flights} in flight, p50`, 'ms'),
    p99: measure(`added at ${flights} in flight, p99`, 'ms'),
  }));
  const throughput = measure('completions at 100 in flight', 'req/s');
  for (let round = 0; round <= ROUNDS; round += 1) {
    console.log(round === 0 ? 'Warming up …' : `Round ${round} of ${ROUNDS} …`);
    for (const { flights, p50, p99 } of latencies) {
      const base = await completions(direct, flights, SECONDS);
      const theirs = await completions(portkey, flights, SECONDS);
      const own = await completions(ours, flights, SECONDS);
      if (round === 0) continue;
      for (const [share, { baseline, ours }] of [[50, p50] as const, [99, p99] as const]) {
        baseline.push(added(theirs, base, share));
        ours.push(added(own, base, share));
      }
    }
    const theirs = await completions(portkey, 100, SECONDS);
    const own = await completions(ours, 100, SECONDS);
    if (round === 0) continue;
    throughput.baseline.push(theirs.length / SECONDS);
    throughput.ours.push(own.length / SECONDS);
  }
  return [...latencies.flatMap(({ p50, p99 }) => [p50, p99]), throughput];
}

/** Milliseconds to the first token, direct and through us, in turn. */
async function measureFirstTokens(direct: Target, ours: Target) {
  const rounds: { direct_ms: number; ours_ms: number }[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const direct_ms = median(await firstTokens(direct, 1, SECONDS));
    const ours_ms = median(await firstTokens(ours, 1, SECONDS));
    if (round > 0) rounds.push({ direct_ms, ours_ms });
  }
  const added_ms = median(rounds.map(({ direct_ms, ours_ms }) => ours_ms - direct_ms));
  console.log(`Time to the first token: ${added_ms.toFixed(2)} ms added.`);
  return { added_ms, rounds };
}

async function residentMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

/** 200 streams of 200 tokens at once on one orchestrator, twenty times: is anything lost, and does memory stay? */
async function measureStreams(ours: Target, fleet: Fleet) {
  const pid = fleet.processes.orchestrator[0]?.pid;
  const memory_mb: number[] = [];
  let lost = 0;
  for (let round = 0; round < 20; round += 1) {
    const results = await streamsAtOnce(ours, STREAMS, `mock-${TOKENS}-${PACE_MS}`);
    lost += results.reduce((sum, { tokens }) => sum + TOKENS - tokens, 0);
    memory_mb.push(await residentMb(pid));
  }
  console.log(
    `${STREAMS} streams of ${TOKENS} tokens, twenty times: ${lost} tokens lost, MB after each: ${memory_mb.join(', ')}.`,
  );
  return { streams: STREAMS, tokens: TOKENS, pace_ms: PACE_MS, lost, memory_mb };
}

/** More and more streams, a token each 20 ms: how much longer than the direct call they take. */
async function measureSaturation(direct: Target, ours: Target) {
  const steps: { streams: number; tokens_per_second: number; stretch: number }[] = [];
  for (const streams of [50, 100, 200, 300, 400, 500]) {
    const model = `mock-100-${PACE_MS}`;
    const base = median((await streamsAtOnce(direct, streams, model)).map(({ total_ms }) => total_ms));
    const results = await streamsAtOnce(ours, streams, model);
    const total = median(results.map(({ total_ms }) => total_ms));
    const tokens_per_second = Math.round(
      (streams * 100) / (Math.max(...results.map(({ total_ms }) => total_ms)) / 1000),
    );
    steps.push({ streams, tokens_per_second, stretch: total / base });
    console.log(`${streams} streams: ${tokens_per_second} tokens/s, ${(total / base).toFixed(2)} × as long as direct.`);
  }
  return steps;
}

const mockPort = process.env['BENCH_MOCK'];
if (mockPort) {
  await serveMock(Number(mockPort));
  process.send?.('ready');
  process.on('disconnect', () => process.exit(0));
} else {
  await run(async (scope) => {
    const folder = await temporaryFolder(scope);
    const mock = await startMock(scope);
    const direct = {
      name: 'direct',
      origin: mock,
      path: '/v1/chat/completions',
      headers: {},
      model: (name: string) => name,
    };
    const portkey = await startPortkey(scope, folder, mock);
    const { target: ours, fleet } = await startOurs(scope, folder, mock);
    const measures = await measureJson(direct, portkey, ours);
    await report({ name: 'ai', title: 'Chat completions on a mock provider; baseline: the Portkey gateway', measures });
    const first_token = await measureFirstTokens(direct, ours);
    const at_once = await measureStreams(ours, fleet);
    const saturation = await measureSaturation(direct, ours);
    await writeResults('ai-streams', { title: 'Streams against the direct call', first_token, at_once, saturation });
    return 0;
  });
}
