import { decodeJwt } from 'jose';
import type { Client } from './support/client';
import { asSuperuser } from './support/database';
import { readEvents } from './support/events';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl, adminDatabaseUrl } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;

const database = (sql: string, ...params: unknown[]) => asSuperuser(adminDatabaseUrl, sql, params);

const changed = (tenant_id: string, kind: string, id: unknown) =>
  database('insert into access_changes (tenant_id, kind, id) values ($1, $2, $3)', tenant_id, kind, id);

const statusAt = async (gateway: string, client: Client) => (await client.at(gateway).get('/v1/tasks')).status;

/** Each gateway has the client cached. */
async function warm(client: Client): Promise<void> {
  for (const gateway of gateways) expect(await statusAt(gateway, client)).toBe(200);
}

async function everywhere(client: Client, status: number): Promise<void> {
  await eventually(async () => {
    const statuses = await Promise.all(gateways.map((gateway) => statusAt(gateway, client)));
    expect(statuses).toEqual(gateways.map(() => status));
  }, SECONDS);
}

describe('access ends everywhere within 5 seconds', () => {
  let tenant: TestTenant;
  let session: unknown;

  beforeEach(async () => {
    tenant = await newTenant(anonymous);
    session = decodeJwt(tenant.client.token ?? '').sid;
    await warm(tenant.client);
  });

  /** A stream that would go on for a minute; resolves to its last event. */
  async function openStream(): Promise<{ started: Promise<void>; last: Promise<unknown> }> {
    const agent = await newAgent(tenant, sandboxUrl);
    const body = { input: 'go on [[tokens=600 delay=100]]', stream: true };
    const response = await tenant.client.fetch('POST', `/v1/agents/${agent}/runs`, { body });
    const { promise: started, resolve } = Promise.withResolvers<void>();
    const read = async () => {
      let last;
      for await (const event of readEvents(response)) {
        last = event;
        resolve();
      }
      return last;
    };
    return { started, last: read() };
  }

  it('with a revoked session, in requests and in open streams', async () => {
    const stream = await openStream();
    await stream.started;
    await database('update sessions set revoked_at = now() where id = $1', session);
    await changed(tenant.tenant_id, 'session', session);
    const since = performance.now();
    await everywhere(tenant.client, 401);
    expect(await stream.last).toMatchObject({ type: 'error', data: { code: 'unauthenticated', status: 401 } });
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
  });

  it('with a deactivated user', async () => {
    await database('update users set is_active = false where id = $1', tenant.user_id);
    await changed(tenant.tenant_id, 'user', tenant.user_id);
    await everywhere(tenant.client, 401);
  });

  it('with a suspended tenant, and comes back with it', async () => {
    const stream = await openStream();
    await stream.started;
    await database(`update tenants set status = 'suspended' where id = $1`, tenant.tenant_id);
    await changed(tenant.tenant_id, 'tenant', tenant.tenant_id);
    await everywhere(tenant.client, 403);
    expect((await tenant.client.get('/v1/auth/me')).body).toMatchObject({ code: 'tenant_suspended' });
    expect(await stream.last).toMatchObject({ type: 'error', data: { code: 'tenant_suspended' } });

    await database(`update tenants set status = 'active' where id = $1`, tenant.tenant_id);
    await changed(tenant.tenant_id, 'tenant', tenant.tenant_id);
    await everywhere(tenant.client, 200);
  });

  it('as far as a role is taken away', async () => {
    const create = async () => (await tenant.client.post('/v1/tasks', { title: 'May I?' })).status;
    expect(await create()).toBe(201);
    await database(`update users set role = 'viewer' where id = $1`, tenant.user_id);
    await changed(tenant.tenant_id, 'user', tenant.user_id);
    await eventually(async () => expect(await create()).toBe(403), SECONDS);
    await everywhere(tenant.client, 200);
  });
});
