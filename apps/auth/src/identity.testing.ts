import { openDataSource, UserEntity, withTenantId } from '@taai/entities';
import { createTenant, createTestDatabase } from '@taai/entities-testing';
import { until } from '@taai/platform-testing';
import { rolePermissions } from '@taai/rbac';
import { runInContext, type Caller } from '@taai/tenant';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { ApiKeyService } from './api-key/api-key.service';
import { openModule } from './module.testing';
import { InviteService } from './user/invite.service';
import { OneTimeTokenRepository } from './token/one-time-token.repository';
import { RegistrationService } from './registration/registration.service';
import { RoleService } from './role/role.service';
import { UserService } from './user/user.service';

/** A user, and how to do something as them. */
export interface Person {
  tenant_id: string;
  id: string;
  as: <T>(work: () => T, idempotency_key?: string) => T;
  /** The same user as an API key would let them act. */
  may: (...permissions: string[]) => Person;
  /** The same user with that API key. */
  by: (api_key_id: string) => Person;
  /** The same user at that address. */
  at: (ip: string) => Person;
}

/** What waits in the outbox. */
interface Left {
  type: string;
  data: Record<string, unknown>;
}

const WAITING = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;

/** Users, roles and API keys on a database of their own. */
export async function openIdentity() {
  const database = await createTestDatabase();
  const source = await openDataSource({ url: database.urls.auth, pool: 12 });
  const admin = new Client(database.adminUrl);
  await admin.connect();
  const { module, close } = await openModule(source);
  const tokens = module.get(OneTimeTokenRepository);

  /** As superuser. */
  const query = async <Row extends object>(sql: string, ...params: unknown[]) =>
    (await admin.query<Row>(sql, params)).rows;

  const person = (caller: Caller & { user_id: string }, ip?: string): Person => ({
    tenant_id: caller.tenant_id,
    id: caller.user_id,
    as: (work, idempotency_key) =>
      runInContext(
        { request_id: 'spec', caller, ...(ip && { ip }), ...(idempotency_key && { idempotency_key }) },
        work,
      ),
    may: (...permissions) => person({ ...caller, permissions }, ip),
    by: (api_key_id) => person({ ...caller, api_key_id }, ip),
    at: (address) => person(caller, address),
  });

  /** A user of the tenant, or of a new one, who has accepted and may do what the role says. */
  async function newUser(fields: Partial<UserEntity> = {}): Promise<Person> {
    const { tenant_id = await createTenant(database), role = 'admin' } = fields;
    const user_id = v7();
    const user = { email: `${user_id}@example.com`, password_hash: 'hash', ...fields, tenant_id, id: user_id, role };
    await withTenantId(source, tenant_id, (tx) => tx.insert(UserEntity, user));
    return person({ tenant_id, user_id, permissions: rolePermissions[role] ?? [], issuer: 'gateway' });
  }

  const outbox = async ({ tenant_id }: Person) => {
    const sql = 'select type, payload from outbox where tenant_id = $1 order by id';
    const rows = await query<{ type: string; payload: Left }>(sql, tenant_id);
    return rows.map(({ type, payload }): Left => ({ type, data: payload.data }));
  };

  return {
    query,
    tokens,
    newUser,
    registrations: module.get(RegistrationService),
    users: module.get(UserService),
    invites: module.get(InviteService),
    roles: module.get(RoleService),
    apiKeys: module.get(ApiKeyService),

    /** What leaves the tenant but audit entries, oldest first. */
    events: async (one: Person) => (await outbox(one)).filter(({ type }) => type !== 'audit.recorded'),

    audited: async (one: Person) =>
      (await outbox(one)).filter(({ type }) => type === 'audit.recorded').map(({ data }) => data),

    /** What gateways are told to look at again, oldest first. */
    accessChanges: ({ tenant_id }: Person) =>
      query('select kind, id from access_changes where tenant_id = $1 order by seq', tenant_id),

    /** What the link in the user's newest mail holds. */
    async mailedToken({ tenant_id }: Person, user_id: string): Promise<string> {
      const sql = 'select id from one_time_tokens where user_id = $1 and used_at is null';
      const [row] = await query<{ id: string }>(sql, user_id);
      const caller: Caller = { tenant_id, permissions: [], issuer: 'webhook' };
      const mail = await runInContext({ request_id: 'mail', caller }, () => tokens.mint(row?.id ?? v7()));
      if (!mail) throw new Error('There is no mail to write.');
      return mail.token;
    },

    /** Lets all of `works` come to wait for the tenant before any goes on; resolves to how each ended. */
    async race<T>({ tenant_id }: Person, works: (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
      await query('begin');
      await query('select from tenants where id = $1 for no key update', tenant_id);
      const results = Promise.allSettled(works.map((work) => work()));
      await until(async () => {
        await query('select pg_stat_clear_snapshot()'); // else a transaction sees again what it saw first
        return (await query(WAITING)).length === works.length;
      });
      await query('commit');
      return results;
    },

    async close() {
      await close();
      await source.destroy();
      await admin.end();
      await database.drop();
    },
  };
}

export type Identity = Awaited<ReturnType<typeof openIdentity>>;

/** The codes of those that were refused; undefined for the rest. */
export const codes = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'rejected' ? (result.reason as { code?: string }).code : undefined));

export const problem = (code: string): unknown => expect.objectContaining({ name: 'ProblemError', code });
