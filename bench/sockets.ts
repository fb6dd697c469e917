// Sockets: what 15,000 of them cost one gateway, how long a token takes from the provider to all clients of a room of 100 while 10,000 are
// connected, and how many conversations can be answered at once. Beside plain Socket.IO, which has no provider, no log, no database and
// no access to check. Linux only.
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { baseUrl } from '../scripts/fleet/ports.ts';
import { freePort } from '../scripts/lib/ports.ts';
import { run } from '../scripts/lib/run.ts';
import { percentile, report } from './report.ts';
import { BenchFleet } from './sockets/bench-fleet.ts';
import { measureCrowded, ROOM, STAGES, type CrowdFigures, type Server } from './sockets/crowded-server.ts';
import { Crowds, serveCrowd } from './sockets/crowds.ts';
import { servePlain } from './sockets/plain.ts';
import { serveProvider } from './sockets/provider.ts';
import { measureStreams, type StreamFigures } from './sockets/streams.ts';

const ROUNDS = 3;
const STREAMS = 200;
/** Conversations that are answered at once, more and more, until the median token takes longer than `SATURATED_MS`. */
const LADDER = [100, 200, 300, 400, 600, 800];
const SATURATED_MS = 100;
const CONVERSATIONS = Math.max(...STAGES) / ROOM;

const program = fileURLToPath(import.meta.url);
const say = (text: string) => console.log(`${new Date().toISOString().slice(11, 19)} ${text} …`);

interface Figures extends CrowdFigures {
  streams: StreamFigures;
}

/** What a server costs that has just been started, and what it does. */
async function measure(server: Server, crowds: Crowds, conversations: string[], streams: string[]): Promise<Figures> {
  const figures = await measureCrowded(server, crowds, conversations);
  await crowds.connect(server, streams);
  const streamed = await measureStreams(crowds, streams);
  await crowds.leave();
  return { ...figures, streams: streamed };
}

async function ours(bench: BenchFleet, crowds: Crowds): Promise<Figures> {
  await bench.makeRoom(STREAMS);
  const replica = await bench.fleet.addReplica('gateway');
  const server = { url: baseUrl(replica.ports.api ?? 0), pid: replica.pid, token: bench.token };
  const figures = await measure(server, crowds, await bench.converse(CONVERSATIONS), await bench.converse(STREAMS));
  await replica.stop();
  return figures;
}

async function plain(crowds: Crowds): Promise<Figures> {
  const port = await freePort();
  const child = fork(program, { env: { ...process.env, BENCH_PLAIN: String(port) } });
  await once(child, 'message');
  const ids = (count: number) => Array.from({ length: count }, () => randomUUID());
  const server = { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, token: '' };
  const figures = await measure(server, crowds, ids(CONVERSATIONS), ids(STREAMS));
  child.disconnect();
  await once(child, 'exit');
  return figures;
}

/** More and more streams through the whole fleet, until they are too many. */
async function climb(bench: BenchFleet, crowds: Crowds): Promise<StreamFigures[]> {
  const steps: StreamFigures[] = [];
  const place = { url: bench.url, token: bench.token };
  for (const streams of LADDER) {
    say(`${streams} streams at once`);
    await bench.makeRoom(streams);
    const ids = await bench.converse(streams);
    await crowds.connect(place, ids);
    const step = await measureStreams(crowds, ids).catch((error: unknown) => say(`Too many: ${String(error)}`));
    if (step) steps.push(step);
    await crowds.leave();
    if (!step || step.p50 > SATURATED_MS) break;
  }
  return steps;
}

function show(saturation: readonly StreamFigures[]): void {
  console.log(
    '\n| streams | at once | tokens/s | chunk to frame, p50 ms | p99 ms | begun anew |\n|---|---|---|---|---|---|',
  );
  for (const { streams, at_once, tokens_per_second, p50, p99, retried } of saturation)
    console.log(
      `| ${[streams, at_once, Math.round(tokens_per_second), p50.toFixed(1), p99.toFixed(1), retried].join(' | ')} |`,
    );
}

const { BENCH_MOCK: mockPort, BENCH_PLAIN: plainPort, BENCH_CROWD: crowdAddress } = process.env;
if (mockPort ?? plainPort ?? crowdAddress) {
  if (mockPort) await serveProvider(Number(mockPort));
  if (plainPort) servePlain(Number(plainPort));
  if (crowdAddress) serveCrowd(crowdAddress);
  process.send?.('ready');
  process.on('disconnect', () => process.exit(0));
} else {
  await run(async (scope) => {
    say('Starting the fleet');
    const bench = await BenchFleet.start(scope);
    const crowds = await Crowds.start(scope, program);
    const rounds: { baseline: Figures; ours: Figures }[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`Round ${round} of ${ROUNDS}: plain Socket.IO`);
      const baseline = await plain(crowds);
      say(`Round ${round} of ${ROUNDS}: the gateway`);
      rounds.push({ baseline, ours: await ours(bench, crowds) });
    }
    const saturation = await climb(bench, crowds);
    const measure = (name: string, unit: string, figure: (figures: Figures) => number) => ({
      name,
      unit,
      baseline: rounds.map((round) => figure(round.baseline)),
      ours: rounds.map((round) => figure(round.ours)),
    });
    const [some, all] = STAGES.map((sockets) => sockets.toLocaleString('en'));
    await report({
      name: 'sockets',
      title: 'Sockets at one gateway, each in a conversation, beside plain Socket.IO',
      measures: [
        measure('memory without sockets', 'MB', ({ megabytes }) => megabytes[0] ?? NaN),
        measure(`memory with ${some}`, 'MB', ({ megabytes }) => megabytes[1] ?? NaN),
        measure(`memory with ${all}`, 'MB', ({ megabytes }) => megabytes[2] ?? NaN),
        measure('the most at any time', 'MB', ({ peak }) => peak),
        measure(`sent to each of ${ROOM}, ${some} connected, p50`, 'ms', ({ each }) => percentile(each, 50)),
        measure(`sent to each of ${ROOM}, ${some} connected, p99`, 'ms', ({ each }) => percentile(each, 99)),
        measure(`sent to the last of ${ROOM}, p50`, 'ms', ({ last }) => percentile(last, 50)),
        measure(`sent to the last of ${ROOM}, p99`, 'ms', ({ last }) => percentile(last, 99)),
        measure(`${STREAMS} streams at once, p50`, 'ms', ({ streams }) => streams.p50),
        measure(`${STREAMS} streams at once, p99`, 'ms', ({ streams }) => streams.p99),
      ],
      more: { saturation },
    });
    show(saturation);
    return 0;
  });
}
