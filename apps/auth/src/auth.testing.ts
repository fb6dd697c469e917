import type { Login, Register, User } from '@taai/contracts';
import { openDataSource, withTenantId, type Tx } from '@taai/entities';
import { createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { makeJwk, testRedis } from '@taai/platform-testing';
import { runInContext } from '@taai/tenant';
import type { DataSource } from 'typeorm';
import { AccessTokens } from './access/access-token';
import { AccountRepository } from './login/account.repository';
import { AuthService } from './login/auth.service';
import { Background } from './background';
import { EmailConflicts } from './registration/email-conflicts';
import { LoginAttempts } from './login/login-attempts';
import { LoginService } from './login/login.service';
import { OneTimeTokenRepository } from './token/one-time-token.repository';
import { Passwords } from './password/password';
import { PasswordService } from './password/password.service';
import { RegistrationService } from './registration/registration.service';
import { SessionRepository } from './session/session.repository';
import { SessionService } from './session/session.service';

/** What hashes cost in tests. */
export const COST = 4;

export const PASSWORD = 'correct horse';

/** The auth service's parts on a database of their own. */
export async function startAuth() {
  const database = await createTestDatabase();
  const source = await openDataSource({ url: database.urls.auth, pool: 10 });
  const redis = testRedis('commands');
  await redis.ping().catch(() => new Promise((resolve) => redis.once('ready', resolve)));
  return { database, source, redis, ...services(source, redis), close: () => close(database, source, redis) };
}

export type TestAuth = Awaited<ReturnType<typeof startAuth>>;

function services(source: DataSource, redis: ReturnType<typeof testRedis>) {
  const [accounts, sessions, links] = [
    new AccountRepository(source),
    new SessionRepository(source),
    new OneTimeTokenRepository(source),
  ];
  const passwords = new Passwords(COST);
  const tokens = new AccessTokens([makeJwk('newest')]);
  const attempts = new LoginAttempts(redis);
  const background = new Background();
  /** A login service that is configured to another cost. */
  const loginsAt = (cost: number) =>
    new LoginService(source, accounts, sessions, attempts, new Passwords(cost), tokens);
  return {
    auth: new AuthService(accounts, tokens),
    registrations: new RegistrationService(
      source,
      accounts,
      passwords,
      new EmailConflicts(source, accounts, redis),
      redis,
    ),
    logins: new LoginService(source, accounts, sessions, attempts, passwords, tokens),
    loginsAt,
    sessions: new SessionService(source, sessions, tokens),
    passwords: new PasswordService(source, accounts, sessions, links, attempts, passwords, background, redis),
    links,
    background,
  };
}

async function close(database: TestDatabase, source: DataSource, redis: ReturnType<typeof testRedis>) {
  redis.disconnect();
  await source.destroy();
  await database.drop();
}

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
export const rowsOf = <T>(
  { source }: TestAuth,
  { tenant_id }: User,
  sql: string,
  params: unknown[] = [],
): Promise<T[]> => withTenantId(source, tenant_id, (tx: Tx) => tx.query<T[]>(sql, params));

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
