import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../scripts/servers/postgres';
import { startRedis } from '../scripts/servers/redis';
import type { Server } from '../scripts/servers/server';
import { supervise, supervisedServices, type Supervisor } from '../scripts/start/supervise';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';
import { Client, type Json } from './support/client';
import { asSuperuser } from './support/database';
import { eventually } from './support/eventually';
import { allEvents, type StreamEvent } from './support/events';
import { newAgent, newTenant, type TestTenant } from './support/tenant';

/** Steps enough that some of them meet the fault, whenever it comes. */
const STEPS = Array.from({ length: 8 }, (_, n) => `tool=create_task:${JSON.stringify({ title: `Step ${n}` })}`);
const SCRIPT = `[[delay=6 ${STEPS.join(' step ')}]]`;
const RUNS = 6;

/** An answer that somebody got while something was away. */
interface Seen {
  what: string;
  status: number;
  code: unknown;
  retryAfter: string | null;
}

describe('a fleet whose servers are killed under load, and started again by its supervisor', () => {
  let folder: string;
  let servers: Record<'PostgreSQL' | 'Redis', Server>;
  let own: TestFleet;
  let supervisor: Supervisor;
  let tenant: TestTenant;
  let agent: string;
  const said: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'task-assistant-servers-'));
    await chmod(folder, 0o755); // as root PostgreSQL runs as another user
    const at = (name: string) => ({ data: join(folder, name), logFile: join(folder, `${name}.log`) });
    servers = {
      PostgreSQL: await startPostgres({ ...at('postgres'), password: 'secret' }),
      Redis: await startRedis(at('redis')),
    };
    const { PostgreSQL, Redis } = servers;
    own = await startTestFleet('own', { servers: { database: PostgreSQL.url, redis: Redis.url } });
    const watched = { servers: [PostgreSQL, Redis], services: supervisedServices(own.fleet) };
    supervisor = supervise(watched, (line) => said.push(line));
    tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] as string));
    const unlimited = `update tenants set plan_id = 'unlimited' where id = $1`;
    await asSuperuser(own.adminDatabaseUrl, unlimited, [tenant.tenant_id]);
    agent = await newAgent(tenant, own.sandboxUrl);
    await tenant.client.post('/v1/tools', {
      name: 'create_task',
      kind: 'builtin',
      config: { builtin: 'create_task' },
    });
    await tenant.client.patch(`/v1/agents/${agent}`, { tools: ['create_task'] });
  });

  afterAll(async () => {
    supervisor?.stop();
    await own?.stop();
    for (const server of Object.values(servers ?? {})) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const requests: Record<string, () => Promise<{ status: number; headers: Headers; body: Json }>> = {
    list: () => tenant.client.get('/v1/tasks'),
    create: () => tenant.client.post('/v1/tasks', { title: 'Under load' }),
    run: () => tenant.client.post(`/v1/agents/${agent}/runs`, { input: 'Hello [[delay=0]]' }),
    login: () =>
      new Client(tenant.client.baseUrl).post('/v1/auth/login', { email: tenant.email, password: tenant.password }),
  };

  /** Repeats every request until `signal`; resolves to what was answered. */
  async function load(signal: AbortSignal): Promise<Seen[]> {
    const seen: Seen[] = [];
    const repeat = async ([what, request]: [string, (typeof requests)[string]]) => {
      while (!signal.aborted) {
        const { status, headers, body } = await request();
        seen.push({ what, status, code: body?.code, retryAfter: headers.get('retry-after') });
      }
    };
    await Promise.all(Object.entries(requests).map(repeat));
    return seen;
  }

  const startRun = () =>
    tenant.client.fetch('POST', `/v1/agents/${agent}/runs`, { body: { input: SCRIPT, stream: true } });

  const allWork = () =>
    eventually(async () => {
      for (const request of Object.values(requests)) expect((await request()).status).toBeLessThan(300);
    }, 60);

  const runs = () =>
    asSuperuser<{ status: string; error_code: string | null }>(
      own.adminDatabaseUrl,
      'select distinct status, error_code from agent_runs',
    );

  const lineOf = (events: StreamEvent[]) => ({
    last: events.at(-1)?.type,
    ids: events.map(({ id }) => id),
  });

  it.each(['PostgreSQL', 'Redis'] as const)('answers 503 while %s is away, and loses no run to it', async (name) => {
    said.length = 0;
    const responses = await Promise.all(Array.from({ length: RUNS }, startRun));
    const streams = responses.map(allEvents);
    const control = new AbortController();
    const loading = load(control.signal);
    servers[name].kill();
    await eventually(async () => expect(said).toContain(`${name} is back.`), 60);
    await allWork();
    control.abort();

    const seen = await loading;
    const failed = seen.filter(({ status }) => status >= 300);
    expect(failed).not.toEqual([]);
    for (const { status, retryAfter } of failed) {
      expect([503, 504]).toContain(status);
      expect(retryAfter).toMatch(/^\d+$/);
    }
    expect(said).toEqual([expect.stringContaining(`${name} ended by SIGKILL`), `${name} is back.`]);

    for (const { last, ids } of (await Promise.all(streams)).map(lineOf)) {
      expect(last).toBe('run.completed');
      expect(ids).toEqual(ids.map((_, index) => index + 1));
    }
    await eventually(async () => expect(await runs()).toEqual([{ status: 'completed', error_code: null }]), 60);
  });
});
