// Calls from one process to another: Nest's own Redis transporter against the project's, in turn on one Redis.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { run } from '../scripts/lib/run';
import { startRedis } from '../scripts/servers/redis';
import { makeKeys } from '../scripts/start/keys';
import { median, report } from './report';
import type { Contender, Setup } from './rpc/contender';
import { nest } from './rpc/nest';
import { ours } from './rpc/ours';

const contenders = { nest, ours } satisfies Record<string, Contender>;
type Name = keyof typeof contenders;

const ROUNDS = Number(process.env['ROUNDS'] ?? 9);
const WARM_UP_MS = 500;
const LOADED_MS = 2000;
const ALONE_MS = 500;
const IN_FLIGHT = 64;
const COUNTED_CALLS = 2000;

/** One figure per round. */
class Figures {
  readonly throughput: number[] = [];
  readonly cpu: number[] = [];
  readonly asUser: number[] = [];
  readonly latency: number[] = [];
  readonly executions: number[] = [];
}

interface ServerState {
  executions: number;
  /** Microseconds. */
  cpu: number;
}

const cpuOf = ({ user, system }: NodeJS.CpuUsage) => user + system;

/** The server process: answers calls, and tells how it stands when asked. */
async function serve(name: Name, setup: Setup): Promise<void> {
  const served = await contenders[name].serve(setup);
  process.on('message', () => process.send?.({ ...served, cpu: cpuOf(process.cpuUsage()) } satisfies ServerState));
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

async function stateOf(server: ChildProcess): Promise<ServerState> {
  server.send('state?');
  const [state] = (await once(server, 'message')) as [ServerState];
  return state;
}

/** Microseconds of CPU that Redis, the server and this process have used. */
async function cpuOfAll(redis: Redis, server: ChildProcess): Promise<number> {
  const info = await redis.info('cpu');
  const seconds = [...info.matchAll(/used_cpu_(?:user|sys):([\d.]+)/g)].reduce(
    (sum, [, text]) => sum + Number(text),
    0,
  );
  return seconds * 1e6 + (await stateOf(server)).cpu + cpuOf(process.cpuUsage());
}

/** Keeps `inFlight` calls under way for `ms`; answers how many there were, how many per second, and each one's milliseconds. */
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
  const calls = latencies.length;
  return { calls, perSecond: calls / ((performance.now() - started) / 1000), latency: median(latencies) };
}

async function measureSpeed(name: Name, setup: Setup, server: ChildProcess, figures: Figures): Promise<void> {
  const redis = new Redis(setup.redisUrl);
  const { call, callAsUser, close } = await contenders[name].connect(setup);
  await load(call, IN_FLIGHT, WARM_UP_MS);
  const before = await cpuOfAll(redis, server);
  const { calls, perSecond } = await load(call, IN_FLIGHT, LOADED_MS);
  figures.throughput.push(perSecond);
  figures.cpu.push(((await cpuOfAll(redis, server)) - before) / calls);
  figures.asUser.push(callAsUser ? (await load(callAsUser, IN_FLIGHT, LOADED_MS)).perSecond : perSecond);
  figures.latency.push((await load(call, 1, ALONE_MS)).latency);
  await close();
  redis.disconnect();
}

async function countExecutions(name: Name, setup: Setup, servers: ChildProcess[], figures: Figures): Promise<void> {
  const total = async () =>
    (await Promise.all(servers.map(stateOf))).reduce((sum, { executions }) => sum + executions, 0);
  const { call, close } = await contenders[name].connect(setup);
  const before = await total();
  for (let calls = 0; calls < COUNTED_CALLS; calls++) await call();
  figures.executions.push(((await total()) - before) / COUNTED_CALLS);
  await close();
}

async function measure(setup: Setup): Promise<void> {
  const names: Name[] = ['nest', 'ours'];
  const figures = { nest: new Figures(), ours: new Figures() };
  const servers = { nest: await startServer('nest', setup), ours: await startServer('ours', setup) };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) await measureSpeed(name, setup, servers[name], figures[name]);
  }
  for (const name of names) {
    const replicas = [servers[name], await startServer(name, setup)];
    await countExecutions(name, setup, replicas, figures[name]);
    for (const replica of replicas) replica.disconnect();
  }
  const compare = (figure: keyof Figures, name: string, unit: string) => ({
    name,
    unit,
    baseline: figures.nest[figure],
    ours: figures.ours[figure],
  });
  await report({
    name: 'rpc',
    title: "A call from process to process, 300 bytes of JSON; the baseline is Nest's own Redis transporter",
    measures: [
      compare('throughput', `${IN_FLIGHT} in flight`, 'calls/s'),
      compare('cpu', `${IN_FLIGHT} in flight, CPU of both processes and Redis`, 'µs per call'),
      compare(
        'asUser',
        `${IN_FLIGHT} in flight, ours with signed caller, permission check and trace context`,
        'calls/s',
      ),
      compare('latency', '1 in flight, median', 'ms'),
      compare('executions', '2 replicas', 'executions per call'),
    ],
  });
}

const order = process.env['BENCH_SERVER'];
if (order) {
  const { name, setup } = JSON.parse(order) as { name: Name; setup: Setup };
  await serve(name, setup);
} else {
  await run(async (scope) => {
    const folder = await mkdtemp(join(tmpdir(), 'task-assistant-bench-'));
    const redis = await startRedis({ data: folder, logFile: `${folder}.log`, forTests: true });
    await scope.defer(() => redis.stop());
    await measure({ redisUrl: redis.url, contextKeys: makeKeys().context });
    return 0;
  });
}
