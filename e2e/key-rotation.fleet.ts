import { SecretBox } from '@taai/platform';
import { Client as Database } from 'pg';
import { Webhook } from 'standardwebhooks';
import { startReceiver } from '../apps/webhook/src/delivery/receiver.testing';
import { makeKeys } from '../scripts/start/keys';
import { adminCommand } from './support/admin';
import { Client } from './support/client';
import { eventually } from './support/eventually';
import { newAgent, newTenant, type TestTenant } from './support/tenant';
import { startTestFleet, type TestFleet } from '../scripts/test/test-fleet';

const holders = ['orchestrator', 'webhook'] as const;
const WORKERS = 4;
/** Runs of a worker between two changes of its provider's key. */
const RUNS_PER_KEY = 5;

const keyId = (key: string) => new SecretBox([key]).key_id;

let own: TestFleet;
let database: Database;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

beforeAll(async () => {
  [own, receiver] = [await startTestFleet('own'), await startReceiver()];
  database = new Database(own.adminDatabaseUrl);
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await own?.stop();
  await receiver?.close();
});

/** Replaces every replica that holds encryption keys by one with these, newest first. */
const deploy = (...keys: string[]) =>
  Promise.all(
    holders.map(async (service) => {
      const replaced = own.fleet.processes[service].filter(({ isRunning }) => isRunning);
      await own.fleet.addReplica(service, { ENCRYPTION_KEYS: keys.join() });
      await Promise.all(replaced.map((replica) => replica.stop()));
    }),
  );

/** Why a replica with this key alone does not start. */
const refusal = (service: (typeof holders)[number], key: string) =>
  own.fleet.addReplica(service, { ENCRYPTION_KEYS: key }).then(
    () => 'It starts.',
    (error: Error) => error.message,
  );

const sentence = (key: string, what: string) =>
  `\nENCRYPTION_KEYS lacks the key ${keyId(key)}, which stored ${what} are still encrypted with: ` +
  'add it behind the newest key, and take it out only after "npm run admin -- secrets reencrypt".';

const admin = (...args: string[]) => adminCommand(own.adminEnv, ...args);

/** A tenant with an agent and an endpoint; what that gets can be verified with the secret. */
async function newSubscriber() {
  const tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] as string));
  const agent = await newAgent(tenant, own.sandboxUrl);
  const server = { name: 'crm', kind: 'mcp', config: { url: 'https://mcp.example.com' } };
  await tenant.client.post('/v1/tools', { ...server, secret_headers: { authorization: 'Bearer sk-tool' } });
  const endpoint = { url: receiver.url, events: ['agent.run.completed', 'agent.run.failed'] };
  const { body } = await tenant.client.post('/v1/webhooks', endpoint);
  return { tenant, agent, secret: body['secret'] as string };
}

/** Runs agents, one after the other in each worker, and changes their providers' keys, until it is told to stop. */
function startLoad(subscribers: Awaited<ReturnType<typeof newSubscriber>>[]) {
  let stopping = false;
  const outcomes: { status: number; run: string }[] = [];
  const run = async (tenant: TestTenant, agent: string) => {
    const { status, body } = await tenant.client.post(`/v1/agents/${agent}/runs`, { input: 'Hello [[delay=5]]' });
    outcomes.push({ status, run: body.status ?? body.code });
  };
  const worker = async ({ tenant, agent }: (typeof subscribers)[number]) => {
    const { body: provider } = await tenant.client.get('/v1/providers');
    const path = `/v1/providers/${provider.data[0].id}/credentials`;
    for (let n = 1; !stopping; n += 1) {
      await run(tenant, agent);
      if (n % RUNS_PER_KEY === 0)
        expect(await tenant.client.put(path, { api_key: `sk-${n}` })).toMatchObject({ status: 204 });
    }
  };
  const done = Promise.all(subscribers.map(worker));
  return {
    outcomes,
    stop: async () => {
      stopping = true;
      await done;
    },
  };
}

it('encryption keys are rotated under load without one failed run', async () => {
  const [older, newer] = [own.keys.encryption, makeKeys().encryption];
  const subscribers = await Promise.all(Array.from({ length: WORKERS }, newSubscriber));
  const load = startLoad(subscribers);

  await deploy(older, newer);
  await deploy(newer, older);
  await expect(admin('secrets', 'status')).rejects.toMatchObject({ code: 1 });
  expect(await refusal('webhook', newer)).toContain(sentence(older, 'webhook secrets'));
  const report = await admin('secrets', 'reencrypt');
  expect(report).toContain(`webhook secrets: done: no other key than ${keyId(newer)} is needed any more`);
  await deploy(newer);
  const before = load.outcomes.length;
  await eventually(async () => expect(load.outcomes.length).toBeGreaterThan(before + 2 * WORKERS));
  await load.stop();

  expect(load.outcomes.filter(({ status, run }) => status !== 200 || run !== 'completed')).toEqual([]);
  const { rows } = await database.query(
    'select key_id from provider_credentials union select secret_key_id from tools union select secret_key_id from webhooks',
  );
  expect(rows).toEqual([{ key_id: keyId(newer) }]);
  expect(await admin('secrets', 'status')).toContain(keyId(newer));
  expect(await refusal('orchestrator', older)).toContain(sentence(newer, 'provider and tool credentials'));

  // Every run was told to its tenant's endpoint, signed with the secret that the tenant was shown.
  const told = () => new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size;
  await eventually(async () => expect(told()).toBe(load.outcomes.length), 45);
  const secretOf = new Map(subscribers.map(({ tenant, secret }) => [tenant.tenant_id, secret]));
  for (const { headers, body } of receiver.received) {
    const { tenant_id } = JSON.parse(body) as { tenant_id: string };
    new Webhook(secretOf.get(tenant_id) ?? '').verify(body, headers);
  }
});
