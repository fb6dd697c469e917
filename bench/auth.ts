// What authentication costs: a request that does nothing at the edge, with and without a caller; logging in with a known and an unknown
// account; and whether the edge still answers while 100 people log in at once.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { buildAll } from '../scripts/build.ts';
import { startFleet, type Fleet } from '../scripts/fleet.ts';
import { freePort } from '../scripts/lib/ports.ts';
import { run, type Scope } from '../scripts/lib/run.ts';
import { temporaryFolder, temporaryPostgres, temporaryRedis } from '../scripts/servers/temporary.ts';
import { databaseUrls } from '../scripts/start/database.ts';
import { makeKeys, type Keys } from '../scripts/start/keys.ts';
import { migrate } from '../scripts/start/migrate.ts';
import { serveEdge, type EdgeOrder } from './auth/edge.ts';
import { percentile, report, type Measure } from './report.ts';

const ROUNDS = 15;
const SECONDS = 2;
const CONNECTIONS = 32;
const LOGINS_AT_ONCE = 100;
const PAIRS = 30;
const PASSWORD = 'a long enough secret';

/** Each from an address of its own, as far as the gateway can tell: the back-off per address is not what is measured. */
const somewhere = () => ({
  'content-type': 'application/json',
  'x-forwarded-for': `198.51.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`,
});

async function post(url: string, body: object): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: somewhere(),
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
}

async function startEdge(scope: Scope, redisUrl: string, keys: Keys): Promise<string> {
  const order: EdgeOrder = { port: await freePort(), redisUrl, contextKeys: keys.context, rpcKey: keys.rpc };
  const edge = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, BENCH_EDGE: JSON.stringify(order), LOG_LEVEL: 'info' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await scope.defer(async () => {
    if (!edge.connected) return;
    edge.disconnect();
    await once(edge, 'exit');
  });
  const ready = once(edge, 'message');
  const ended = once(edge, 'exit').then(() => Promise.reject(new Error('The edge ended while starting.')));
  await Promise.race([ready, ended]);
  return `http://127.0.0.1:${order.port}`;
}

/** Requests per second. Throws when one is refused. */
async function throughput(url: string, token?: string): Promise<number> {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const result = await autocannon({ url, connections: CONNECTIONS, duration: SECONDS, headers });
  if (result.non2xx + result.errors + result.timeouts > 0) throw new Error(`${url}: ${result.non2xx} refusals.`);
  return result.requests.average;
}

/** Against the same route without authentication, whose requests carry no token, or the same one, which nobody reads. */
async function measureEdge(edge: string, token: string): Promise<Measure[]> {
  const name = 'no-op at the edge, authenticated against';
  const without: Measure = { name: `${name} open`, unit: 'req/s', baseline: [], ours: [] };
  const same: Measure = { name: `${name} open with the same bytes`, unit: 'req/s', baseline: [], ours: [] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    console.log(round === 0 ? 'Warming up …' : `Round ${round} of ${ROUNDS} …`);
    const open = await throughput(`${edge}/bench/open`);
    const guarded = await throughput(`${edge}/bench/guarded`, token);
    const unread = await throughput(`${edge}/bench/open`, token);
    if (round === 0) continue;
    without.baseline.push(open);
    same.baseline.push(unread);
    for (const { ours } of [without, same]) ours.push(guarded);
  }
  return [without, same];
}

async function millisecondsOf(work: () => Promise<Response>): Promise<number> {
  const since = performance.now();
  await (await work()).text();
  return performance.now() - since;
}

/** One at a time, in turn: a wrong password of an account that exists, and of one that does not. */
async function measureLogins(api: string, known: readonly string[]): Promise<Measure> {
  const name = 'refused log-in, known account against unknown';
  const measure: Measure = { name, unit: 'ms', baseline: [], ours: [] };
  const attempt = (email: string) =>
    millisecondsOf(() => post(`${api}/v1/auth/login`, { email, password: 'another long secret' }));
  for (const email of known.slice(0, PAIRS)) {
    measure.baseline.push(await attempt(`nobody-${email}`));
    measure.ours.push(await attempt(email));
  }
  return measure;
}

/** `GET /health/live` without pause until `until` is settled; each answer's milliseconds. */
async function watchHealth(api: string, until: Promise<unknown>): Promise<number[]> {
  let over = false;
  void until.finally(() => (over = true));
  const times: number[] = [];
  while (!over) times.push(await millisecondsOf(() => fetch(`${api}/health/live`)));
  return times;
}

async function measureStorm(api: string, known: readonly string[]): Promise<Measure[]> {
  const calm = await watchHealth(api, new Promise((resolve) => setTimeout(resolve, 5000)));
  const since = performance.now();
  const logins = Promise.all(known.map((email) => post(`${api}/v1/auth/login`, { email, password: PASSWORD })));
  const stormy = await watchHealth(api, logins);
  const seconds = (performance.now() - since) / 1000;
  const statuses = (await logins).map(({ status }) => status);
  const answered = statuses.filter((status) => status === 200).length;
  console.log(`${answered} of ${statuses.length} log-ins at once were let in, within ${seconds.toFixed(1)} s.`);
  return [
    {
      name: `GET /health/live p99, during ${LOGINS_AT_ONCE} log-ins against before`,
      unit: 'ms',
      baseline: [percentile(calm, 99)],
      ours: [percentile(stormy, 99)],
    },
    {
      name: `log-ins let in, of ${LOGINS_AT_ONCE} at once`,
      unit: 'log-ins',
      baseline: [LOGINS_AT_ONCE],
      ours: [answered],
    },
    { name: 'until the last of them was answered', unit: 's', baseline: [seconds], ours: [seconds] },
  ];
}

async function register(api: string): Promise<string[]> {
  const emails = Array.from({ length: LOGINS_AT_ONCE }, (_, n) => `person-${n}@example.com`);
  for (const email of emails) {
    const { status } = await post(`${api}/v1/auth/register`, { tenant_name: 'Bench', email, password: PASSWORD });
    if (status !== 201) throw new Error(`Registration answered ${status}.`);
  }
  return emails;
}

async function startServices(scope: Scope, folder: string, keys: Keys): Promise<{ fleet: Fleet; redisUrl: string }> {
  const [admin, redisUrl] = await Promise.all([temporaryPostgres(scope, folder), temporaryRedis(scope, folder)]);
  await buildAll();
  const urls = databaseUrls(admin, keys.passwords);
  await migrate(urls);
  const fleet = await startFleet({
    ports: 'free',
    databaseUrls: urls.services,
    redisUrl,
    keys,
    logDir: folder,
    env: { TRUST_PROXY: '127.0.0.1', DEFAULT_PLAN: 'unlimited' },
  });
  await scope.defer(() => fleet.stop());
  return { fleet, redisUrl };
}

async function logIn(api: string, email: string): Promise<string> {
  const answer: unknown = await (await post(`${api}/v1/auth/login`, { email, password: PASSWORD })).json();
  if (typeof answer !== 'object' || answer === null || !('access_token' in answer))
    throw new Error('Nobody logged in.');
  return String(answer.access_token);
}

const order = process.env['BENCH_EDGE'];
if (order) {
  await serveEdge(JSON.parse(order) as EdgeOrder);
  process.send?.('ready');
} else {
  await run(async (scope) => {
    const folder = await temporaryFolder(scope);
    const keys = makeKeys();
    const { fleet, redisUrl } = await startServices(scope, folder, keys);
    const api = fleet.gatewayUrls[0] ?? '';
    console.log(`Registering ${LOGINS_AT_ONCE} people …`);
    const people = await register(api);
    const edge = await startEdge(scope, redisUrl, keys);
    const measures = [
      ...(await measureEdge(edge, await logIn(api, people[0] ?? ''))),
      await measureLogins(api, people),
      ...(await measureStorm(api, people)),
    ];
    await report({ name: 'auth', title: 'Authentication, password hashes of cost 12', measures });
    return 0;
  });
}
