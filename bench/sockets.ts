// Sockets: what 15,000 of them cost one gateway, and how long a token takes from the provider to all clients of a room of 100 while 10,000
// are connected. Beside plain Socket.IO, which has no provider, no log, no database and no access to check. Linux only.
import { fileURLToPath } from 'node:url';
import { run } from '../scripts/lib/run.ts';
import { percentile, report } from './report.ts';
import { BenchFleet } from './sockets/bench-fleet.ts';
import { measureCrowded, ROOM, STAGES, type CrowdFigures } from './sockets/crowded-server.ts';
import { Crowds } from './sockets/crowds.ts';
import { say, serveAsFork, withGateway, withPlain, type Fresh } from './sockets/servers.ts';

const ROUNDS = 3;
const CONVERSATIONS = Math.max(...STAGES) / ROOM;

const program = fileURLToPath(import.meta.url);

if (!(await serveAsFork())) {
  await run(async (scope) => {
    say('Starting the fleet');
    const bench = await BenchFleet.start(scope);
    const crowds = await Crowds.start(scope, program);
    const crowd = async ({ server, converse }: Fresh): Promise<CrowdFigures> => {
      const figures = await measureCrowded(server, crowds, await converse(CONVERSATIONS));
      await crowds.leave();
      return figures;
    };
    const rounds: { baseline: CrowdFigures; ours: CrowdFigures }[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      say(`Round ${round} of ${ROUNDS}: plain Socket.IO`);
      const baseline = await withPlain(program, crowd);
      say(`Round ${round} of ${ROUNDS}: the gateway`);
      rounds.push({ baseline, ours: await withGateway(bench, crowd) });
    }
    const measure = (name: string, unit: string, figure: (figures: CrowdFigures) => number) => ({
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
      ],
    });
    return 0;
  });
}
