import { randomUUID } from 'node:crypto';
import type { PlanId } from '@taai/contracts';
import { decodeJwt } from 'jose';
import { sandboxBaseUrl, type SandboxKind } from '../../scripts/sandbox/base-url';
import { adminCommand } from './admin';
import type { Client } from './client';
import { asSuperuser } from './database';
import { sharedFleet } from './shared-fleet';

export interface TestTenant {
  client: Client;
  tenant_id: string;
  user_id: string;
  email: string;
  password: string;
}

/** Registers a new tenant, on the plan `unlimited` as all tenants of the tests, and logs its admin in. */
export async function newTenant(
  anonymous: Client,
  before?: (tenant_id: string) => Promise<unknown>,
): Promise<TestTenant> {
  const email = `${randomUUID()}@example.com`;
  const password = 'correct horse battery staple';
  const { body } = await anonymous.post('/v1/auth/register', { tenant_name: 'Test', email, password });
  await before?.(body['tenant'].id);
  const login = await anonymous.post('/v1/auth/login', { email, password });
  if (login.status !== 200) throw new Error(`Login answered ${login.status}: ${JSON.stringify(login.body)}`);
  return {
    client: anonymous.withToken(login.body['access_token']),
    tenant_id: body['tenant'].id,
    user_id: body['user'].id,
    email,
    password,
  };
}

/** The same on another plan. */
export const newTenantOn = (plan: PlanId, anonymous: Client): Promise<TestTenant> =>
  newTenant(anonymous, (id) => adminCommand(sharedFleet().adminEnv, 'tenant', 'plan', id, plan));

const login = async (anonymous: Client, email: string, password: string): Promise<Client> =>
  anonymous.withToken((await anonymous.post('/v1/auth/login', { email, password })).body['access_token']);

/** Another user of the tenant, in a role of theirs; they have the admin's password. */
export async function colleague({ client, tenant_id, user_id, password }: TestTenant, role: string): Promise<Client> {
  const { anonymous, adminDatabaseUrl } = sharedFleet();
  const email = `${randomUUID()}@example.com`;
  await asSuperuser(
    adminDatabaseUrl,
    `insert into users (tenant_id, id, email, role, password_hash)
     select $1, $2, $3, $4, password_hash from users where id = $5`,
    [tenant_id, randomUUID(), email, role, user_id],
  );
  return login(anonymous.at(client.baseUrl), email, password);
}

/** The tenant's admin by a session of its own that was revoked before it was ever used. */
export async function revokedClient({ client, email, password }: TestTenant): Promise<Client> {
  const { anonymous, adminDatabaseUrl } = sharedFleet();
  const revoked = await login(anonymous.at(client.baseUrl), email, password);
  const { sid } = decodeJwt(revoked.token ?? '');
  await asSuperuser(adminDatabaseUrl, 'update sessions set revoked_at = now() where id = $1', [sid]);
  return revoked;
}

/** An agent of the tenant that talks to the sandbox provider at `sandboxUrl`, in the format of a vendor. */
export async function newAgent(
  { client }: TestTenant,
  sandboxUrl: string,
  model = 'sandbox-1',
  kind: SandboxKind = 'openai',
): Promise<string> {
  const name = `sandbox-${randomUUID().slice(0, 8)}`;
  const provider = await client.post('/v1/providers', { name, kind, base_url: sandboxBaseUrl(kind, sandboxUrl) });
  const stored = await client.put(`/v1/providers/${provider.body['id']}/credentials`, { api_key: 'sk-sandbox' });
  if (stored.status !== 204) throw new Error(`Storing credentials answered ${stored.status}.`);
  const agent = await client.post('/v1/agents', {
    name: 'Echo',
    slug: name,
    system_prompt: 'You repeat what you are told.',
    model,
    provider_id: provider.body['id'],
    // Tests count calls.
    automatic_titles: false,
  });
  if (agent.status !== 201)
    throw new Error(`Creating the agent answered ${agent.status}: ${JSON.stringify(agent.body)}`);
  return agent.body['id'];
}
