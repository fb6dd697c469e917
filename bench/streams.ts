// Conversations that are answered at once, a token each 20 ms, each followed by one socket: how long a token takes from the provider to its
// client, that every token comes, in order, once, and how many conversations are too many. Beside plain Socket.IO, without a fleet. Linux only.
import { fileURLToPath } from 'node:url';
import { run } from '../scripts/lib/run.ts';
import { report } from './report.ts';
import { BenchFleet } from './sockets/bench-fleet.ts';
import { Crowds } from './sockets/crowds.ts';
import { say, serveAsFork, withGateway, withPlain, type Fresh } from './sockets/servers.ts';
import { measureStreams, type StreamFigures } from './sockets/streams.ts';

const ROUNDS = 3;
const STREAMS = 200;
/** More and more, until the median token takes longer than `SATURATED_MS`. */
const LADDER = [100, 200, 300, 400, 600, 800];
const SATURATED_MS = 100;

const program = fileURLToPath(import.meta.url);

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

if (!(await serveAsFork())) {
  await run(async (scope) => {
    say('Starting the fleet');
    const bench = await BenchFleet.start(scope);
    await bench.makeRoom(STREAMS);
    const crowds = await Crowds.start(scope, program);
    const stream = async ({ server, converse }: Fresh): Promise<StreamFigures> => {
      const ids = await converse(STREAMS);
      await crowds.connect(server, ids);
      const figures = await measureStreams(crowds, ids);
      await crowds.leave();
      return figures;
    };
    const rounds: { baseline: StreamFigures; ours: StreamFigures }[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`Round ${round} of ${ROUNDS}: plain Socket.IO, then the fleet`);
      rounds.push({ baseline: await withPlain(program, stream), ours: await withGateway(bench, stream) });
    }
    const saturation = await climb(bench, crowds);
    const measure = (name: string, figure: (figures: StreamFigures) => number, unit = 'ms') => ({
      name: `${STREAMS} streams, ${name}`,
      unit,
      baseline: rounds.map((round) => figure(round.baseline)),
      ours: rounds.map((round) => figure(round.ours)),
    });
    await report({
      name: 'streams',
      title: 'Conversations that are answered at once, beside plain Socket.IO',
      measures: [
        measure('all the time at once', ({ at_once }) => at_once, ''),
        measure('tokens in a second', ({ tokens_per_second }) => tokens_per_second, ''),
        measure('provider to client, p50', ({ p50 }) => p50),
        measure('provider to client, p99', ({ p99 }) => p99),
      ],
      more: { saturation },
    });
    show(saturation);
    return 0;
  });
}
