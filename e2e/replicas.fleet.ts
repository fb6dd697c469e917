import { Client as Database } from 'pg';
import { Client } from './support/client';
import { newTenant, type TestTenant } from './support/tenant';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';

const CALLS = 500;
const IN_FLIGHT = 32;

interface Outcome {
  title: string;
  status: number;
  code?: string;
  ms: number;
}

describe('two replicas of the task service', () => {
  let own: TestFleet;
  let database: Database;
  let tenant: TestTenant;

  beforeAll(async () => {
    own = await startTestFleet('own', { replicas: { task: 2 } });
    database = new Database(own.adminDatabaseUrl);
    await database.connect();
    tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] as string));
  });

  afterAll(async () => {
    await database?.end();
    await own?.stop();
  });

  async function create(title: string): Promise<Outcome> {
    const since = performance.now();
    const { status, body } = await tenant.client.post('/v1/tasks', { title });
    return { title, status, code: body['code'], ms: performance.now() - since };
  }

  /** Creates 500 tasks, 32 at a time; `midway` happens when half are answered. */
  async function createAll(label: string, midway: () => void = () => undefined): Promise<Outcome[]> {
    const titles = Array.from({ length: CALLS }, (_, index) => `${label} ${index}`);
    const outcomes: Outcome[] = [];
    const worker = async () => {
      for (let title = titles.pop(); title !== undefined; title = titles.pop()) {
        outcomes.push(await create(title));
        if (outcomes.length === CALLS / 2) midway();
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    return outcomes;
  }

  /** How many rows each title has. */
  async function rows(label: string): Promise<Map<string, number>> {
    const { rows } = await database.query<{ title: string; count: number }>(
      'SELECT title, count(*)::int AS count FROM tasks WHERE tenant_id = $1 AND title LIKE $2 GROUP BY title',
      [tenant.tenant_id, `${label} %`],
    );
    return new Map(rows.map(({ title, count }) => [title, count]));
  }

  it('answer 500 creates with 500 rows, each executed by one of them', async () => {
    const outcomes = await createAll('plain');
    expect(outcomes.filter(({ status }) => status !== 201)).toEqual([]);
    const counts = await rows('plain');
    expect(counts.size).toBe(CALLS);
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
  });

  it('lose no call when one of them is stopped with SIGTERM', async () => {
    const victim = await own.fleet.addReplica('task');
    const outcomes = await createAll('term', () => victim.kill('SIGTERM'));
    await victim.exited;
    expect(outcomes.filter(({ status }) => status !== 201)).toEqual([]);
    expect((await rows('term')).size).toBe(CALLS);
  });

  it('answer every call, or fail it typed within its deadline, when one of them is killed', async () => {
    const victim = own.fleet.processes.task[0];
    const outcomes = await createAll('kill', () => victim?.kill('SIGKILL'));
    await victim?.exited;
    expect(outcomes).toHaveLength(CALLS);
    const failed = outcomes.filter(({ status }) => status !== 201);
    for (const { status, code, ms } of failed) {
      expect([503, 504]).toContain(status);
      expect(['replica_lost', 'service_unavailable', 'deadline_exceeded']).toContain(code);
      expect(ms).toBeLessThan(6000);
    }
    const counts = await rows('kill');
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
    for (const { title } of outcomes.filter(({ status }) => status === 201)) expect(counts.get(title)).toBe(1);
  });

  it('gone both: 503 with Retry-After within the deadline, and the rest of the fleet works', async () => {
    const replicas = own.fleet.processes.task.filter(({ isRunning }) => isRunning);
    await Promise.all(replicas.map((replica) => replica.stop()));
    const since = performance.now();
    const answer = await tenant.client.get('/v1/tasks');
    expect(answer).toMatchObject({ status: 503, body: { code: 'service_unavailable' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(performance.now() - since).toBeLessThan(6000);
    expect((await tenant.client.get('/v1/agents')).status).toBe(200);

    await own.fleet.addReplica('task');
    expect((await tenant.client.get('/v1/tasks')).status).toBe(200);
  });
});
