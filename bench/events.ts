// Webhooks, from the commit of an event to its arrival at a receiver that answers at once: how many a second, and what a burst of one
// tenant costs itself and its neighbour. The whole fleet, on one PostgreSQL and one Redis.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { buildAll } from '../scripts/build.ts';
import { startFleet } from '../scripts/fleet.ts';
import { run, type Scope } from '../scripts/lib/run.ts';
import { waitFor } from '../scripts/lib/wait.ts';
import { temporaryFolder, temporaryPostgres, temporaryRedis } from '../scripts/servers/temporary.ts';
import { databaseUrls } from '../scripts/start/database.ts';
import { makeKeys } from '../scripts/start/keys.ts';
import { migrate } from '../scripts/start/migrate.ts';
import { call } from './call.ts';
import { startReceiver, type Receiver } from './events/receiver.ts';
import { median, percentile, writeResults } from './report.ts';

const ROUNDS = 5;
const TENANTS = 20;
const BACKLOG = 3000;
const BURST = 500;
/** Requests of the burst in flight. */
const FLIGHTS = 20;
/** Between two events of the neighbour. */
const PACE_MS = 50;
/** Events of the neighbour while nobody else does anything. */
const IDLE = 60;
const DEADLINE_MS = 300_000;

interface Tenant {
  id: string;
  token: string;
  receiver: Receiver;
}

interface Bench {
  api: string;
  database: Client;
}

async function startBench(scope: Scope): Promise<Bench> {
  const folder = await temporaryFolder(scope);
  const keys = makeKeys();
  const [admin, redisUrl] = await Promise.all([temporaryPostgres(scope, folder), temporaryRedis(scope, folder)]);
  await buildAll();
  const urls = databaseUrls(admin, keys.passwords);
  await migrate(urls);
  const fleet = await startFleet({ ports: 'free', databaseUrls: urls.services, redisUrl, keys, logDir: folder });
  await scope.defer(() => fleet.stop());
  const database = new Client(Object.assign(new URL(admin), { pathname: new URL(urls.migrator).pathname }).href);
  await database.connect();
  await scope.defer(() => database.end());
  return { api: fleet.gatewayUrls[0] ?? '', database };
}

/** A tenant of its own with one endpoint at a receiver of its own. */
async function newTenant(scope: Scope, { api, database }: Bench): Promise<Tenant> {
  const login = { email: `${randomUUID()}@example.com`, password: 'a long enough secret' };
  const { tenant } = await call(api, '/v1/auth/register', { tenant_name: 'Bench', ...login });
  const { id } = tenant as { id: string };
  await database.query(`update subscriptions set plan_id = 'unlimited' where tenant_id = $1`, [id]);
  const token = String((await call(api, '/v1/auth/login', login))['access_token']);
  const receiver = await startReceiver();
  await scope.defer(async () => receiver.close());
  await call(api, '/v1/webhooks', { url: receiver.url, events: ['task.created'] }, token);
  return { id, token, receiver };
}

/** Resolves to when the last of them arrived. */
async function allArrived({ arrivals }: Receiver, ids: readonly string[]): Promise<number> {
  const haveArrived = () => (ids.every((id) => arrivals.has(id)) ? true : undefined);
  if (!(await waitFor(haveArrived, DEADLINE_MS))) throw new Error('Some events have not arrived.');
  return Math.max(...ids.map((id) => arrivals.get(id) ?? NaN));
}

/** Events per second from the commit of all of them, each of `tenants` as many, to the last arrival. */
async function backlog({ database }: Bench, tenants: readonly Tenant[]): Promise<number> {
  const ids = tenants.map(() => Array.from({ length: BACKLOG / tenants.length }, () => randomUUID()));
  const since = performance.now();
  await database.query(
    `insert into outbox (tenant_id, id, type, payload)
     select tenant_id, uuidv7(), 'task.created', jsonb_build_object('id', id, 'type', 'task.created',
       'created_at', now(), 'tenant_id', tenant_id, 'data', jsonb_build_object('id', id, 'title', 'Measure the relay'))
     from unnest($1::uuid[], $2::uuid[]) as event (tenant_id, id)`,
    [tenants.flatMap(({ id }, at) => ids[at]?.map(() => id) ?? []), ids.flat()],
  );
  const ends = await Promise.all(tenants.map(({ receiver }, at) => allArrived(receiver, ids[at] ?? [])));
  return BACKLOG / ((Math.max(...ends) - since) / 1000);
}

const addTask = async ({ api }: Bench, { token }: Tenant): Promise<string> =>
  String((await call(api, '/v1/tasks', { title: 'Measure the webhook' }, token))['id']);

/** Milliseconds from the answer of a request to the arrival of its event, one each `PACE_MS` while `goesOn`. */
async function lags(bench: Bench, tenant: Tenant, goesOn: (sent: number) => boolean): Promise<number[]> {
  const { arrivals } = tenant.receiver;
  const answered = new Map<string, number>();
  while (goesOn(answered.size)) {
    const id = await addTask(bench, tenant);
    answered.set(id, performance.now());
    await delay(PACE_MS);
  }
  await allArrived(tenant.receiver, [...answered.keys()]);
  return [...answered].map(([id, at]) => Math.max(0, (arrivals.get(id) ?? NaN) - at));
}

/** Milliseconds from the first request to the arrival of the last event, and to the last answer. */
async function burst(bench: Bench, tenant: Tenant): Promise<{ last_ms: number; made_ms: number }> {
  const since = performance.now();
  const ids: string[] = [];
  let left = BURST;
  const flight = async () => {
    while (left-- > 0) ids.push(await addTask(bench, tenant));
  };
  await Promise.all(Array.from({ length: FLIGHTS }, flight));
  const made_ms = performance.now() - since;
  return { last_ms: (await allArrived(tenant.receiver, ids)) - since, made_ms };
}

async function measure(bench: Bench, tenants: readonly Tenant[], busy: Tenant, neighbour: Tenant) {
  const per_second = await backlog(bench, tenants);
  const idle_ms = await lags(bench, neighbour, (sent) => sent < IDLE);
  let isOver = false;
  const neighbours = lags(bench, neighbour, () => !isOver);
  const { last_ms, made_ms } = await burst(bench, busy).finally(() => (isOver = true));
  return { per_second, last_ms, made_ms, idle_ms, beside_ms: await neighbours };
}

await run(async (scope) => {
  console.log('Building, starting the fleet …');
  const bench = await startBench(scope);
  const tenants: Tenant[] = [];
  while (tenants.length < TENANTS) tenants.push(await newTenant(scope, bench));
  const [busy, neighbour] = [await newTenant(scope, bench), await newTenant(scope, bench)];
  const rounds: Awaited<ReturnType<typeof measure>>[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    console.log(round === 0 ? 'Warming up …' : `Round ${round} of ${ROUNDS} …`);
    const figures = await measure(bench, tenants, busy, neighbour);
    if (round > 0) rounds.push(figures);
  }
  const [idle, beside] = [rounds.flatMap(({ idle_ms }) => idle_ms), rounds.flatMap(({ beside_ms }) => beside_ms)];
  const figures = {
    'webhooks per second, 3,000 events of 20 tenants': median(rounds.map(({ per_second }) => per_second)),
    'burst of 500 to one endpoint, to the last request answered, ms': median(rounds.map(({ made_ms }) => made_ms)),
    'burst of 500 to one endpoint, to the last arrival, ms': median(rounds.map(({ last_ms }) => last_ms)),
    'a neighbour alone, p50, ms': median(idle),
    'a neighbour alone, p99, ms': percentile(idle, 99),
    'a neighbour beside the burst, p50, ms': median(beside),
    'a neighbour beside the burst, p99, ms': percentile(beside, 99),
  };
  const shown = rounds.map(({ idle_ms, beside_ms, ...round }) => ({
    ...round,
    idle_p99_ms: percentile(idle_ms, 99),
    beside_p99_ms: percentile(beside_ms, 99),
  }));
  const title = `Webhooks to a receiver that answers at once, medians of ${ROUNDS} rounds`;
  console.log(`\n${title}\n\n| | |\n|---|---|`);
  for (const [name, value] of Object.entries(figures)) console.log(`| ${name} | ${Math.round(value)} |`);
  await writeResults('events', { title, figures, rounds: shown });
  return 0;
});
