import { decodeJwt } from 'jose';
import { adminCommand } from './support/admin';
import type { Client } from './support/client';
import { readEvents } from './support/events';
import { eventually } from './support/eventually';
import { sharedFleet } from './support/shared-fleet';
import { colleague, newAgent, newTenant, type TestTenant } from './support/tenant';

const { anonymous, gateways, sandboxUrl, adminEnv } = sharedFleet();

/** From the commit of a change to its effect everywhere. */
const SECONDS = 5;

const claimsOf = ({ token = '' }: Client) => decodeJwt<{ sid: string; sub: string }>(token);

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

  beforeEach(async () => {
    tenant = await newTenant(anonymous);
    await warm(tenant.client);
  });

  /** A stream that would go on for a minute; resolves to its last event. */
  async function openStream(client = tenant.client): Promise<{ started: Promise<void>; last: Promise<unknown> }> {
    const agent = await newAgent(tenant, sandboxUrl);
    const body = { input: 'go on [[tokens=600 delay=100]]', stream: true };
    const response = await client.fetch('POST', `/v1/agents/${agent}/runs`, { body });
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
    expect((await tenant.client.delete(`/v1/auth/sessions/${claimsOf(tenant.client).sid}`)).status).toBe(204);
    const since = performance.now();
    await everywhere(tenant.client, 401);
    expect(await stream.last).toMatchObject({ type: 'error', data: { code: 'unauthenticated', status: 401 } });
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
  });

  it('with a revoked API key, in requests and in open streams', async () => {
    const key = await tenant.client.post('/v1/api-keys', { name: 'CI', scopes: ['tasks:read', 'runs:create'] });
    const byKey = anonymous.withToken(key.body['key']);
    await warm(byKey);
    const stream = await openStream(byKey);
    await stream.started;
    expect((await tenant.client.delete(`/v1/api-keys/${key.body['id']}`)).status).toBe(204);
    const since = performance.now();
    await everywhere(byKey, 401);
    expect(await stream.last).toMatchObject({ type: 'error', data: { code: 'unauthenticated', status: 401 } });
    expect(performance.now() - since).toBeLessThan(SECONDS * 1000);
    await everywhere(tenant.client, 200);
  });

  it('with a deactivated user', async () => {
    const member = await colleague(tenant, 'member');
    await warm(member);
    const { status } = await tenant.client.patch(`/v1/users/${claimsOf(member).sub}`, { is_active: false });
    expect(status).toBe(200);
    await everywhere(member, 401);
    await everywhere(tenant.client, 200);
  });

  it('with a suspended tenant, and comes back with it', async () => {
    const stream = await openStream();
    await stream.started;
    await adminCommand(adminEnv, 'tenant', 'suspend', tenant.tenant_id);
    await everywhere(tenant.client, 403);
    expect((await tenant.client.get('/v1/auth/me')).body).toMatchObject({ code: 'tenant_suspended' });
    expect(await stream.last).toMatchObject({ type: 'error', data: { code: 'tenant_suspended' } });

    await adminCommand(adminEnv, 'tenant', 'resume', tenant.tenant_id);
    await everywhere(tenant.client, 200);
  });

  it('as far as a role is taken away', async () => {
    const member = await colleague(tenant, 'member');
    const creations = () =>
      Promise.all(gateways.map((gateway) => member.at(gateway).post('/v1/tasks', { title: 'x' })));
    expect(await creations()).toMatchObject([{ status: 201 }, { status: 201 }]);
    await tenant.client.patch(`/v1/users/${claimsOf(member).sub}`, { role: 'viewer' });
    await eventually(async () => expect(await creations()).toMatchObject([{ status: 403 }, { status: 403 }]), SECONDS);
    await everywhere(member, 200);
  });
});
