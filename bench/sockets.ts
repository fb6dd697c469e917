// Sockets that are connected to one gateway: what each costs in memory, and how long a token takes from the provider to all clients of a
// room of 100. Beside plain Socket.IO, which has no provider, no log, no database and no access to check. Linux only.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { buildAll } from '../scripts/build.ts';
import { startFleet, type Fleet } from '../scripts/fleet.ts';
import { baseUrl } from '../scripts/fleet/ports.ts';
import { freePort } from '../scripts/lib/ports.ts';
import { run, type Scope } from '../scripts/lib/run.ts';
import { temporaryFolder, temporaryPostgres, temporaryRedis } from '../scripts/servers/temporary.ts';
import { databaseUrls } from '../scripts/start/database.ts';
import { makeKeys } from '../scripts/start/keys.ts';
import { migrate } from '../scripts/start/migrate.ts';
import { call } from './call.ts';
import { newMockTenant, startMock } from './mock-tenant.ts';
import { percentile, report } from './report.ts';
import { measureCrowd, type CrowdFigures } from './sockets/crowd.ts';
import { servePlain } from './sockets/plain.ts';
import { serveProvider } from './sockets/provider.ts';

const ROUNDS = 3;
const CONVERSATIONS = 20;
const ROOM = 100;

interface Bench {
  fleet: Fleet;
  token: string;
  agent_id: string;
}

async function startBench(scope: Scope): Promise<Bench> {
  const folder = await temporaryFolder(scope);
  const keys = makeKeys();
  const [admin, redisUrl] = await Promise.all([temporaryPostgres(scope, folder), temporaryRedis(scope, folder)]);
  await buildAll();
  const urls = databaseUrls(admin, keys.passwords);
  await migrate(urls);
  const mock = await startMock(scope);
  const fleet = await startFleet({ ports: 'free', databaseUrls: urls.services, redisUrl, keys, logDir: folder });
  await scope.defer(() => fleet.stop());
  const api = fleet.gatewayUrls[0] ?? '';
  const { id, token, provider_id } = await newMockTenant(api, mock, 'bench');
  const database = new Client(Object.assign(new URL(admin), { pathname: new URL(urls.migrator).pathname }).href);
  await database.connect();
  await database.query(`update subscriptions set plan_id = 'unlimited' where tenant_id = $1`, [id]);
  await database.end();
  const named = { name: 'Bench', slug: 'bench', system_prompt: '', model: 'mock-1' };
  const agent = { ...named, provider_id, automatic_titles: false };
  return { fleet, token, agent_id: String((await call(api, '/v1/agents', agent, token))['id']) };
}

/** Our gateway, a fresh replica each time. */
async function ours({ fleet, token, agent_id }: Bench): Promise<CrowdFigures> {
  const replica = await fleet.addReplica('gateway');
  const url = baseUrl(replica.ports.api ?? 0);
  const conversations: string[] = [];
  for (let n = 0; n < CONVERSATIONS; n += 1)
    conversations.push(String((await call(url, '/v1/conversations', { agent_id }, token))['id']));
  const figures = await measureCrowd({ url, pid: replica.pid, token }, conversations, ROOM);
  await replica.stop();
  return figures;
}

async function plain(): Promise<CrowdFigures> {
  const port = await freePort();
  const server = fork(fileURLToPath(import.meta.url), { env: { ...process.env, BENCH_PLAIN: String(port) } });
  await once(server, 'message');
  const conversations = Array.from({ length: CONVERSATIONS }, () => randomUUID());
  const place = { url: `http://127.0.0.1:${port}`, pid: server.pid ?? 0, token: '' };
  const figures = await measureCrowd(place, conversations, ROOM);
  server.disconnect();
  await once(server, 'exit');
  return figures;
}

const { BENCH_MOCK: mockPort, BENCH_PLAIN: plainPort } = process.env;
if (mockPort ?? plainPort) {
  if (mockPort) await serveProvider(Number(mockPort));
  if (plainPort) servePlain(Number(plainPort));
  process.send?.('ready');
  process.on('disconnect', () => process.exit(0));
} else {
  await run(async (scope) => {
    const bench = await startBench(scope);
    const rounds: { baseline: CrowdFigures; ours: CrowdFigures }[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      console.log(`Round ${round} of ${ROUNDS} …`);
      rounds.push({ baseline: await plain(), ours: await ours(bench) });
    }
    const measure = (name: string, unit: string, figure: (figures: CrowdFigures) => number) => ({
      name,
      unit,
      baseline: rounds.map((round) => figure(round.baseline)),
      ours: rounds.map((round) => figure(round.ours)),
    });
    await report({
      name: 'sockets',
      title: `${CONVERSATIONS * ROOM} sockets at one gateway, beside plain Socket.IO`,
      measures: [
        measure('memory of a socket in a conversation', 'KB', ({ kilobytes }) => kilobytes),
        measure(`provider to ${ROOM} clients, p50`, 'ms', ({ latencies }) => percentile(latencies, 50)),
        measure(`provider to ${ROOM} clients, p99`, 'ms', ({ latencies }) => percentile(latencies, 99)),
      ],
    });
    return 0;
  });
}
