import type { Login, Register, User } from '@taai/contracts';
import { openDataSource, withTenantId, type Tx } from '@taai/entities';
import { createTestDatabase } from '@taai/entities-testing';
import { runInContext } from '@taai/tenant';
import { AccessTokens } from './access/access-token';
import { Background } from './background';
import { ExpirySweep } from './expiry.sweep';
import { AccountRepository } from './login/account.repository';
import { AuthService } from './login/auth.service';
import { LoginAttempts } from './login/login-attempts';
import { LoginService } from './login/login.service';
import { openModule } from './module.testing';
import { Passwords } from './password/password';
import { PasswordService } from './password/password.service';
import { RegistrationService } from './registration/registration.service';
import { SessionRepository } from './session/session.repository';
import { SessionService } from './session/session.service';
import { OneTimeTokenRepository } from './token/one-time-token.repository';

export const PASSWORD = 'correct horse';

/** The auth service's parts on a database of their own. */
export async function startAuth() {
  const database = await createTestDatabase();
  const source = await openDataSource({ url: database.urls.auth, pool: 10 });
  const { module, redis, close } = await openModule(source);
  return {
    database,
    source,
    redis,
    auth: module.get(AuthService),
    registrations: module.get(RegistrationService),
    logins: module.get(LoginService),
    /** A login service that is configured to another cost. */
    loginsAt: (cost: number) =>
      new LoginService(
        source,
        module.get(AccountRepository),
        module.get(SessionRepository),
        module.get(LoginAttempts),
        new Passwords(cost),
        module.get(AccessTokens),
      ),
    sessions: module.get(SessionService),
    passwords: module.get(PasswordService),
    links: module.get(OneTimeTokenRepository),
    background: module.get(Background),
    expiry: module.get(ExpirySweep),
    async close() {
      await close();
      await source.destroy();
      await database.drop();
    },
  };
}

export type TestAuth = Awaited<ReturnType<typeof startAuth>>;

export const newcomer = (more: Partial<Register> = {}): Register => ({
  tenant_name: 'Acme',
  email: `${crypto.randomUUID()}@example.com`,
  password: PASSWORD,
  ...more,
});

export const credentials = ({ email, password }: Register): Login => ({ email, password });

const byte = () => Math.floor(Math.random() * 256);

/** An address that no other test has. */
export const someIp = () => `10.${byte()}.${byte()}.${byte()}`;

/** As a client at an address, whoever that is. */
export const from = <T>(ip: string, work: () => T): T => runInContext({ request_id: 'r', ip }, work);

/** As the user in one of their sessions. */
export const asUser = <T>({ tenant_id, id: user_id }: User, session_id: string, work: () => T): T =>
  runInContext(
    {
      request_id: 'r',
      ip: someIp(),
      caller: { tenant_id, user_id, session_id, role: 'admin', permissions: ['*:*'], issuer: 'gateway' },
    },
    work,
  );

/** Rows of the tenant, by SQL. */
export const rowsOf = <T extends object>(
  { source }: TestAuth,
  { tenant_id }: User,
  sql: string,
  params: unknown[] = [],
): Promise<T[]> => withTenantId(source, tenant_id, (tx: Tx) => tx.read<T>(sql, params));

/** The same as superuser, for what the service may not see. $1 is the tenant. */
export const foreignRowsOf = <T extends object>(
  { database }: TestAuth,
  { tenant_id }: User,
  sql: string,
  params: unknown[] = [],
) => database.admin<T>(sql, [tenant_id, ...params]);

/** The actions in the tenant's audit entries, oldest first. */
export async function auditedOf(test: TestAuth, user: User): Promise<string[]> {
  const sql = `
    select payload->'data'->>'action' as action from outbox
    where tenant_id = $1 and type = 'audit.recorded' order by id`;
  return (await foreignRowsOf<{ action: string }>(test, user, sql)).map(({ action }) => action);
}

/** What becomes of a promise, as a client is told it. */
export const outcomeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'ok',
    (error: unknown): unknown => (error instanceof Error ? JSON.parse(JSON.stringify(error)) : error),
  );
