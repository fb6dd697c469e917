// What a crowd does to a fleet as `npm start` ships it: 500 requests of one tenant at once (tasks, chat, chat completions), beside a neighbour who
// asks for little. Goodput against that of 64 at once in the same run, how fast the refused are refused, what the neighbour feels, and whether
// anything was executed that was refused.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { buildAll } from '../scripts/build.ts';
import { startFleet } from '../scripts/fleet.ts';
import { run, type Scope } from '../scripts/lib/run.ts';
import { startPostgres } from '../scripts/servers/postgres.ts';
import { startRedis } from '../scripts/servers/redis.ts';
import { temporaryFolder } from '../scripts/servers/temporary.ts';
import { databaseUrls } from '../scripts/start/database.ts';
import { makeKeys } from '../scripts/start/keys.ts';
import { migrate } from '../scripts/start/migrate.ts';
import { serveMock } from './ai/mock.ts';
import { call } from './call.ts';
import { newMockTenant, startMock, type MockTenant } from './mock-tenant.ts';
import { crowd, type Order, type Tally } from './overload/load.ts';
import { beNeighbour, startNeighbour, type NeighbourOrder, type NeighbourTallies } from './overload/neighbour.ts';
import { median, percentile, writeResults } from './report.ts';

const ROUNDS = 3;
const FEW = 64;
const MANY = 500;
const SECONDS = 20;
const SECONDS_OF_FEW = 10;
const IDLE_MS = 20_000;
const CONVERSATIONS = 60;
const MODEL = 'mock-5-2';

interface Job {
  name: string;
  next: () => Order;
  /** Counts the tenant's rows that executed requests have made. */
  executed: string;
}

interface Surroundings {
  api: string;
  /** The database's URL as superuser. */
  databaseUrl: string;
  /** The origin of the mock provider. */
  mock: string;
}

type Neighbour = Awaited<ReturnType<typeof startNeighbour>>;

/** A fleet as `npm start` ships it, and where it is. */
async function start(scope: Scope): Promise<Surroundings> {
  const folder = await temporaryFolder(scope);
  const keys = makeKeys();
  const logOf = (name: string) => join(folder, `${name}.log`);
  const password = keys.passwords.superuser;
  const [postgres, redis, mock] = await Promise.all([
    startPostgres({ data: join(folder, 'postgres'), logFile: logOf('postgres'), password }),
    startRedis({ data: join(folder, 'redis'), logFile: logOf('redis') }),
    startMock(scope),
    buildAll(),
  ]);
  await scope.defer(() => Promise.all([postgres.stop(), redis.stop()]));
  const urls = databaseUrls(postgres.url, keys.passwords);
  await migrate(urls, { logFile: logOf('migrate') });
  const surroundings = { databaseUrls: urls.services, redisUrl: redis.url, keys };
  const fleet = await startFleet({
    ports: 'free',
    ...surroundings,
    logDir: folder,
    env: { DEFAULT_PLAN: 'unlimited' },
  });
  await scope.defer(() => fleet.stop());
  const databaseUrl = Object.assign(new URL(postgres.url), { pathname: new URL(urls.migrator).pathname }).href;
  return { api: fleet.gatewayUrls[0] ?? '', databaseUrl, mock };
}

async function conversationsOf(api: string, { token, provider_id }: MockTenant): Promise<string[]> {
  const named = { name: 'Mock', slug: 'mock', system_prompt: '', model: MODEL };
  const agent = { ...named, provider_id, automatic_titles: false };
  const { id: agent_id } = await call(api, '/v1/agents', agent, token);
  const conversations = Array.from({ length: CONVERSATIONS }, () =>
    call(api, '/v1/conversations', { agent_id }, token),
  );
  return (await Promise.all(conversations)).map(({ id }) => String(id));
}

const listTasks = ({ token }: MockTenant): Order => ({
  method: 'GET',
  path: '/v1/tasks?limit=20',
  token,
  isCounted: false,
});

const complete = ({ key }: MockTenant): Order => ({
  method: 'POST',
  path: '/v1/chat/completions',
  token: key,
  body: { model: `mock/${MODEL}`, messages: [{ role: 'user', content: 'Say a word.' }] },
  isCounted: true,
});

function jobsOf(tenant: MockTenant, conversations: readonly string[]): Job[] {
  const { token } = tenant;
  let n = 0;
  const post = (path: string, body: object): Order => ({ method: 'POST', path, token, body, isCounted: true });
  const content = { content: 'Say a word.' };
  const conversation = () => conversations[n++ % conversations.length] ?? '';
  return [
    {
      name: 'tasks, half of them new',
      next: () => (n++ % 2 ? listTasks(tenant) : post('/v1/tasks', { title: `Task ${n}` })),
      executed: 'select count(*)::int as n from tasks where tenant_id = $1',
    },
    {
      name: 'messages, answered by runs',
      next: () => post(`/v1/conversations/${conversation()}/messages`, content),
      executed: 'select count(*)::int as n from agent_runs where tenant_id = $1',
    },
    {
      name: 'chat completions',
      next: () => complete(tenant),
      executed: 'select count(*)::int as n from usage_records where tenant_id = $1 and run_id is null',
    },
  ];
}

/** Rows that the job has made, once what is on its way to the database has come. */
async function countExecuted(database: Client, { executed }: Job, tenantId: string): Promise<number> {
  for (let before = -1; ; await delay(1000)) {
    const { rows } = await database.query<{ n: number }>(executed, [tenantId]);
    const now = rows[0]?.n ?? 0;
    if (now === before) return now;
    before = now;
  }
}

/** What one round of a job came to. */
interface Round {
  few_per_second: number;
  many_per_second: number;
  refused: number;
  unknown: number;
  errors: Record<string, number>;
  refused_ms: { p50: number; p99: number };
  /** The neighbour's, by what it asked for. */
  neighbour_ms: Record<string, { p50: number; p99: number; max: number; failed: number }>;
  /** The neighbour's slowest answer from 1 to 3 s after the end. */
  after_ms: number;
  executed_but_refused: number;
}

const summary = (tally: Tally) => ({
  p50: percentile(tally.done, 50),
  p99: percentile(tally.done, 99),
  max: Math.max(...tally.done),
  failed: tally.refused.length + tally.unknown.length,
});

const summaries = (tallies: NeighbourTallies) =>
  Object.fromEntries(Object.entries(tallies).map(([name, tally]) => [name, summary(tally)]));

/** The neighbour's slowest answer between 1 and 3 s from now. */
async function slowestAfter(neighbour: Neighbour): Promise<number> {
  await delay(1000);
  await neighbour.tallies();
  await delay(2000);
  return Math.max(...Object.values(await neighbour.tallies()).flatMap(({ done, refused }) => [...done, ...refused]));
}

class Overload {
  constructor(
    private readonly api: string,
    private readonly tenant: MockTenant,
    private readonly neighbour: Neighbour,
    private readonly database: Client,
  ) {}

  async round(job: Job): Promise<Round> {
    const few = await crowd(this.api, FEW, SECONDS_OF_FEW, job.next);
    const before = await countExecuted(this.database, job, this.tenant.id);
    await this.neighbour.tallies();
    const many = await crowd(this.api, MANY, SECONDS, job.next);
    const tallies = await this.neighbour.tallies();
    const after_ms = await slowestAfter(this.neighbour);
    const rows = (await countExecuted(this.database, job, this.tenant.id)) - before;
    return {
      few_per_second: few.done.length / SECONDS_OF_FEW,
      many_per_second: many.done.length / SECONDS,
      refused: many.refused.length,
      unknown: many.unknown.length,
      errors: many.errors,
      refused_ms: { p50: percentile(many.refused, 50), p99: percentile(many.refused, 99) },
      neighbour_ms: summaries(tallies),
      after_ms,
      // Of those whose answer never came, either is true.
      executed_but_refused: Math.max(0, rows - many.counted - many.unknown.length),
    };
  }
}

const digits = (ms: number) => (ms >= 100 ? ms.toFixed(0) : ms.toPrecision(2));

/** The medians of a job's rounds as the row of a table. */
function row({ name }: Job, rounds: readonly Round[], idle: NeighbourTallies): string {
  const middle = (figure: (round: Round) => number) => median(rounds.map(figure));
  const [few, many] = [middle((round) => round.few_per_second), middle((round) => round.many_per_second)];
  const p99s = Object.entries(summaries(idle)).map(([what, { p99 }]) => {
    const loaded = middle(({ neighbour_ms }) => neighbour_ms[what]?.p99 ?? NaN);
    return `${what} ${digits(p99)} → ${digits(loaded)}`;
  });
  const cells = [
    name,
    digits(few),
    digits(many),
    `${middle((round) => round.many_per_second / round.few_per_second).toFixed(2)}×`,
    digits(middle(({ refused }) => refused / SECONDS)),
    `${digits(middle(({ refused_ms }) => refused_ms.p50))} / ${digits(middle(({ refused_ms }) => refused_ms.p99))}`,
    p99s.join(', '),
    digits(middle(({ after_ms }) => after_ms)),
    [...new Set(rounds.flatMap(({ errors }) => Object.keys(errors)))].join(', '),
    String(rounds.reduce((sum, { executed_but_refused }) => sum + executed_but_refused, 0)),
  ];
  return `| ${cells.join(' | ')} |`;
}

const head = [
  '',
  `done per second, ${FEW} at once`,
  `${MANY} at once`,
  'ratio',
  'refused per second',
  'refused within, p50 / p99 ms',
  'neighbour p99 ms, idle → beside the crowd',
  'slowest 1 to 3 s after, ms',
  'errors',
  'executed but refused',
];

async function measure(scope: Scope): Promise<number> {
  const { api, databaseUrl, mock } = await start(scope);
  const [tenant, other] = [await newMockTenant(api, mock, 'crowd'), await newMockTenant(api, mock, 'neighbour')];
  const jobs = jobsOf(tenant, await conversationsOf(api, tenant));
  const orders = { 'GET tasks': listTasks(other), completion: complete(other) };
  const neighbour = await startNeighbour(scope, { origin: api, orders });
  const database = new Client(databaseUrl);
  await database.connect();
  await scope.defer(() => database.end());
  for (const job of jobs) await crowd(api, FEW, 3, job.next); // warm
  await neighbour.tallies();
  await delay(IDLE_MS);
  const idle = await neighbour.tallies();
  const overload = new Overload(api, tenant, neighbour, database);
  const results = jobs.map((job) => ({ job, rounds: [] as Round[] }));
  for (let round = 1; round <= ROUNDS; round += 1) {
    console.log(`Round ${round} of ${ROUNDS} …`);
    for (const { job, rounds } of results) rounds.push(await overload.round(job));
  }
  const title = `${MANY} requests of one tenant at once for ${SECONDS} s, medians of ${ROUNDS} rounds`;
  console.log(`\n${title}\n\n| ${head.join(' | ')} |\n|${'---|'.repeat(head.length)}`);
  for (const { job, rounds } of results) console.log(row(job, rounds, idle));
  const measured = results.map(({ job, rounds }) => ({ name: job.name, rounds }));
  await writeResults('overload', { title, idle_neighbour_ms: summaries(idle), jobs: measured });
  return 0;
}

const { BENCH_MOCK: mockPort, BENCH_NEIGHBOUR: neighbourOrder } = process.env;
if (mockPort) {
  await serveMock(Number(mockPort));
  process.send?.('ready');
  process.on('disconnect', () => process.exit(0));
} else if (neighbourOrder) {
  process.on('disconnect', () => process.exit(0));
  await beNeighbour(JSON.parse(neighbourOrder) as NeighbourOrder);
} else await run(measure);
