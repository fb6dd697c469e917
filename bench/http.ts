// The whole path of a request — gateway, RPC, service, PostgreSQL with row level security; token, permission, log and metrics on — against
// one Fastify process on pg without any of it. Both on one PostgreSQL with 1,000,000 tasks of 1,000 tenants.
import { join } from 'node:path';
import autocannon from 'autocannon';
import { importJWK, SignJWT } from 'jose';
import { buildAll } from '../scripts/build.ts';
import { startFleet } from '../scripts/fleet.ts';
import { freePort } from '../scripts/lib/ports.ts';
import { launch } from '../scripts/lib/processes.ts';
import { run } from '../scripts/lib/run.ts';
import { waitFor } from '../scripts/lib/wait.ts';
import { startPostgres } from '../scripts/servers/postgres.ts';
import { startRedis } from '../scripts/servers/redis.ts';
import { temporaryFolder } from '../scripts/servers/temporary.ts';
import { databaseUrls } from '../scripts/start/database.ts';
import { makeKeys, type Keys } from '../scripts/start/keys.ts';
import { migrate } from '../scripts/start/migrate.ts';
import { fillDatabase, type Person } from './http/data.ts';
import { report } from './report.ts';

const ROUNDS = 7;
const SECONDS = 5;
const CONNECTIONS = 32;
const POOL = 8;

type Headers = Record<string, string>;
interface Target {
  url: string;
  /** One set of headers per tenant. */
  headers: Headers[];
}

async function startBaseline(databaseUrl: string, folder: string): Promise<string> {
  const port = await freePort();
  const env = { ...process.env, DATABASE_URL: databaseUrl, DATABASE_POOL: String(POOL), PORT: String(port) };
  await launch({
    command: process.execPath,
    args: ['bench/http/baseline.ts'],
    env,
    logFile: join(folder, 'baseline.log'),
  });
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    () =>
      fetch(`${url}/health/ready`).then(
        ({ ok }) => ok || undefined,
        () => undefined,
      ),
    10_000,
  );
  return url;
}

async function accessToken({ tenant_id, user_id }: Person, { signing }: Keys): Promise<string> {
  return new SignJWT({ tenant_id, role: 'admin', sid: user_id })
    .setProtectedHeader({ alg: 'EdDSA', kid: signing.kid })
    .setSubject(user_id)
    .setIssuer('task-assistant')
    .setAudience('task-assistant')
    .setExpirationTime('1h')
    .sign(await importJWK(signing, 'EdDSA'));
}

/** Requests per second, of 32 connections that send without pause. Throws when one is not answered as it should be. */
async function throughput({ url, headers }: Target, request: Omit<autocannon.Request, 'headers'>): Promise<number> {
  const requests = headers.map((own) => ({ ...request, headers: { ...own, 'content-type': 'application/json' } }));
  const result = await autocannon({ url, connections: CONNECTIONS, duration: SECONDS, requests });
  if (result.non2xx + result.errors + result.timeouts > 0) {
    throw new Error(`${url}: ${result.non2xx} refusals, ${result.errors} errors, ${result.timeouts} time-outs.`);
  }
  return result.requests.average;
}

const list = { method: 'GET', path: '/v1/tasks?limit=20' } as const;
const insert = {
  method: 'POST',
  path: '/v1/tasks',
  body: JSON.stringify({ title: 'Measure the insert', description: 'A description of ordinary length, no more.' }),
} as const;

await run(async (scope) => {
  const folder = await temporaryFolder(scope);
  const keys = makeKeys();
  console.log('Building, starting PostgreSQL and Redis …');
  const [postgres, redis] = await Promise.all([
    startPostgres({
      data: join(folder, 'postgres'),
      logFile: join(folder, 'postgres.log'),
      password: keys.passwords.superuser,
    }),
    startRedis({ data: join(folder, 'redis'), logFile: join(folder, 'redis.log') }),
    buildAll(),
  ]);
  await scope.defer(() => Promise.all([postgres.stop(), redis.stop()]));
  const urls = databaseUrls(postgres.url, keys.passwords);
  await migrate(urls, { logFile: join(folder, 'migrate.log') });
  const superuserUrl = Object.assign(new URL(postgres.url), { pathname: new URL(urls.migrator).pathname }).href;
  console.log('Filling the database …');
  const people = await fillDatabase(superuserUrl);
  const baselineUrl = await startBaseline(superuserUrl, folder);
  const env = { DATABASE_POOL: String(POOL) };
  const fleet = await startFleet({
    ports: 'free',
    databaseUrls: urls.services,
    redisUrl: redis.url,
    keys,
    logDir: folder,
    env,
  });
  await scope.defer(() => fleet.stop());

  const tokens = await Promise.all(people.map((person) => accessToken(person, keys)));
  const baseline = { url: baselineUrl, headers: people.map(({ tenant_id }) => ({ 'x-tenant-id': tenant_id })) };
  const ours = {
    url: fleet.gatewayUrls[0] ?? '',
    headers: tokens.map((token) => ({ authorization: `Bearer ${token}` })),
  };
  const measures = [
    { name: 'GET /v1/tasks?limit=20', request: list, unit: 'req/s', baseline: [] as number[], ours: [] as number[] },
    { name: 'POST /v1/tasks', request: insert, unit: 'req/s', baseline: [] as number[], ours: [] as number[] },
  ];
  for (let round = 0; round <= ROUNDS; round += 1) {
    console.log(round === 0 ? 'Warming up …' : `Round ${round} of ${ROUNDS} …`);
    for (const { request, baseline: theirs, ours: own } of measures) {
      const [before, after] = [await throughput(baseline, request), await throughput(ours, request)];
      if (round === 0) continue;
      theirs.push(before);
      own.push(after);
    }
  }
  await report({
    name: 'http',
    title: `${CONNECTIONS} connections, 1,000,000 tasks of 1,000 tenants; baseline: one Fastify process on pg, no RLS, no RPC, no token`,
    measures: measures.map(({ request: _, ...measure }) => measure),
  });
  return 0;
});
