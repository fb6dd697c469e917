// Calls from one process to another: Nest's own Redis transporter against the project's, in turn on one Redis.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../scripts/lib/run';
import { startRedis } from '../scripts/servers/redis';
import { makeKeys } from '../scripts/start/keys';
import { median, report } from './report';
import type { Contender, Setup } from './rpc/contender';
import { nest } from './rpc/nest';
import { ours } from './rpc/ours';

const contenders = { nest, ours } satisfies Record<string, Contender>;
type Name = keyof typeof contenders;

const ROUNDS = Number(process.env['ROUNDS'] ?? 7);
const WARM_UP_MS = 500;
const LOADED_MS = 2000;
const ALONE_MS = 1000;
const IN_FLIGHT = 64;
const COUNTED_CALLS = 2000;

interface Figures {
  throughput: number[];
  latency: number[];
  executions: number[];
}

/** The server process: answers, and tells how often when asked. */
async function serve(name: Name, setup: Setup): Promise<void> {
  const served = await contenders[name].serve(setup);
  process.on('message', () => process.send?.(served.executions));
  process.on('disconnect', () => process.exit(0));
  process.send?.('ready');
}

async function startServer(name: Name, setup: Setup): Promise<ChildProcess> {
  const server = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, BENCH_SERVER: JSON.stringify({ name, setup }) },
  });
  await once(server, 'message');
  return server;
}

async function executionsOf(server: ChildProcess): Promise<number> {
  server.send('executions?');
  const [executions] = (await once(server, 'message')) as [number];
  return executions;
}

/** Keeps `inFlight` calls under way for `ms`; answers calls per second and each call's milliseconds. */
async function load(call: () => Promise<unknown>, inFlight: number, ms: number) {
  const latencies: number[] = [];
  const started = performance.now();
  const worker = async () => {
    for (let before = performance.now(); before - started < ms;) {
      await call();
      const after = performance.now();
      latencies.push(after - before);
      before = after;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { perSecond: latencies.length / ((performance.now() - started) / 1000), latencies };
}

async function measureSpeed(name: Name, setup: Setup, figures: Figures): Promise<void> {
  const client = await contenders[name].connect(setup);
  await load(client.call, IN_FLIGHT, WARM_UP_MS);
  figures.throughput.push((await load(client.call, IN_FLIGHT, LOADED_MS)).perSecond);
  figures.latency.push(median((await load(client.call, 1, ALONE_MS)).latencies));
  await client.close();
}

async function countExecutions(name: Name, setup: Setup, servers: ChildProcess[], figures: Figures): Promise<void> {
  const total = async () => (await Promise.all(servers.map(executionsOf))).reduce((sum, count) => sum + count, 0);
  const client = await contenders[name].connect(setup);
  const before = await total();
  for (let call = 0; call < COUNTED_CALLS; call++) await client.call();
  figures.executions.push(((await total()) - before) / COUNTED_CALLS);
  await client.close();
}

async function measure(setup: Setup): Promise<void> {
  const names: Name[] = ['nest', 'ours'];
  const figures = { nest: noFigures(), ours: noFigures() };
  const servers = { nest: [await startServer('nest', setup)], ours: [await startServer('ours', setup)] };
  for (let round = 0; round < ROUNDS; round++) for (const name of names) await measureSpeed(name, setup, figures[name]);
  for (const name of names) {
    servers[name].push(await startServer(name, setup));
    await countExecutions(name, setup, servers[name], figures[name]);
  }
  const compare = (name: string, unit: string, figure: keyof Figures) => ({
    name,
    unit,
    baseline: figures.nest[figure],
    ours: figures.ours[figure],
  });
  for (const server of [...servers.nest, ...servers.ours]) server.disconnect();
  await report({
    name: 'rpc',
    title: "One call from process to process, 300 bytes of JSON; baseline: Nest's own Redis transporter",
    measures: [
      compare(`${IN_FLIGHT} in flight`, 'calls/s', 'throughput'),
      compare('1 in flight, median', 'ms', 'latency'),
      compare('2 replicas', 'executions per call', 'executions'),
    ],
  });
}

const noFigures = (): Figures => ({ throughput: [], latency: [], executions: [] });

async function main(): Promise<void> {
  const order = process.env['BENCH_SERVER'];
  if (order) {
    const { name, setup } = JSON.parse(order) as { name: Name; setup: Setup };
    return serve(name, setup);
  }
  await run(async (scope) => {
    const folder = await mkdtemp(join(tmpdir(), 'task-assistant-bench-'));
    const redis = await startRedis({ data: folder, logFile: `${folder}.log`, forTests: true });
    await scope.defer(() => redis.stop());
    await measure({ redisUrl: redis.url, contextKeys: makeKeys().context });
    return 0;
  });
}

await main();
