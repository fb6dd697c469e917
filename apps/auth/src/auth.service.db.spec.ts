import { createHash } from 'node:crypto';
import { verify } from '@node-rs/bcrypt';
import { type Login, type Register, type User } from '@taai/contracts';
import { openDataSource, SessionEntity, UserEntity, withTenantId } from '@taai/entities';
import { createTestDatabase, type TestDatabase } from '@taai/entities-testing';
import { makeJwk } from '@taai/platform-testing';
import { runAs, runInContext } from '@taai/tenant';
import { decodeJwt } from 'jose';
import type { DataSource } from 'typeorm';
import { AccessTokens } from './access-token';
import { AccountRepository } from './account.repository';
import { AuthService } from './auth.service';
import { Passwords } from './password';
import { SessionRepository } from './session.repository';

// The real thing, watched: how often it is asked, and for which hashes.
jest.mock('@node-rs/bcrypt', () => {
  const real = jest.requireActual<typeof import('@node-rs/bcrypt')>('@node-rs/bcrypt');
  return { ...real, verify: jest.fn(real.verify) };
});
const watched = jest.mocked(verify);

const COST = 4;
let database: TestDatabase;
let source: DataSource;
let auth: AuthService;

beforeAll(async () => {
  database = await createTestDatabase();
  source = await openDataSource({ url: database.urls.auth, pool: 5 });
  auth = new AuthService(
    new AccountRepository(source),
    new SessionRepository(source),
    new Passwords(COST),
    new AccessTokens([makeJwk('newest')]),
  );
});

afterAll(async () => {
  await source.destroy();
  await database.drop();
});

const newcomer = (more: Partial<Register> = {}): Register => ({
  tenant_name: 'Acme',
  email: `${crypto.randomUUID()}@example.com`,
  password: 'correct horse',
  ...more,
});

const credentials = ({ email, password }: Register): Login => ({ email, password });

const asUser = <T>({ tenant_id, id: user_id }: User, work: () => T) =>
  runAs({ tenant_id, user_id, role: 'admin', permissions: ['*:*'], issuer: 'gateway' }, work);

const countTenants = async (name: string) =>
  (await database.admin('select from tenants where name = $1', [name])).length;

describe('register', () => {
  it('creates a tenant, its admin and its free subscription', async () => {
    const input = newcomer({ email: '  Ada@Example.COM ', name: 'Ada' });

    const { user, tenant } = await auth.register(input);

    expect(user).toEqual({
      id: expect.any(String),
      tenant_id: tenant.id,
      email: 'ada@example.com',
      name: 'Ada',
      role: 'admin',
      created_at: expect.any(Date),
    });
    expect(tenant).toEqual({
      id: user.tenant_id,
      name: 'Acme',
      plan_id: 'free',
      status: 'active',
      created_at: expect.any(Date),
    });
    const subscriptions = await database.admin('select * from subscriptions where tenant_id = $1', [tenant.id]);
    expect(subscriptions).toMatchObject([{ plan_id: 'free', status: 'active', current_period_end: null }]);
  });

  it('refuses a known e-mail in any spelling, and leaves nothing behind', async () => {
    const first = newcomer();
    await auth.register(first);
    const tenant_name = crypto.randomUUID();

    const again = auth.register({ ...first, tenant_name, email: ` ${first.email.toUpperCase()}` });

    await expect(again).rejects.toMatchObject({ code: 'email_taken', status: 409 });
    await expect(countTenants(tenant_name)).resolves.toBe(0);
  });

  it('lets one of many win that come at once', async () => {
    const input = newcomer({ tenant_name: crypto.randomUUID() });

    const results = await Promise.allSettled(Array.from({ length: 20 }, () => auth.register(input)));

    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason);
    expect(refused).toHaveLength(19);
    for (const reason of refused) expect(reason).toMatchObject({ code: 'email_taken' });
    await expect(countTenants(input.tenant_name)).resolves.toBe(1);
  });
});

describe('login', () => {
  it('opens a session that the access token names', async () => {
    const input = newcomer();
    const { user } = await auth.register(input);

    const answer = await runInContext({ request_id: 'r', ip: '192.0.2.7' }, () => auth.login(credentials(input)));

    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 86_400, user });
    const { sid, ...claims } = decodeJwt(answer.access_token);
    expect(claims).toMatchObject({ sub: user.id, tenant_id: user.tenant_id, role: 'admin' });
    const sessions = await withTenantId(source, user.tenant_id, (tx) => tx.find(SessionEntity));
    expect(sessions).toMatchObject([
      {
        id: sid,
        user_id: user.id,
        ip: '192.0.2.7',
        revoked_at: null,
        refresh_token_hash: createHash('sha256').update(answer.refresh_token).digest('hex'),
      },
    ]);
  });

  it('takes the e-mail as it is typed', async () => {
    const input = newcomer();
    await auth.register(input);
    const login = auth.login({ email: ` ${input.email.toUpperCase()} `, password: input.password });
    await expect(login).resolves.toMatchObject({ user: { email: input.email } });
  });

  it('answers the same, after the same work, whether or not there is an account', async () => {
    const [known, inactive, invited] = [newcomer(), newcomer(), newcomer()];
    await auth.register(known);
    await change((await auth.register(inactive)).user, { is_active: false });
    await change((await auth.register(invited)).user, { password_hash: null });
    const attempts = {
      wrong: { ...credentials(known), password: 'another horse' },
      unknown: credentials(newcomer()),
      inactive: credentials(inactive),
      invited: credentials(invited),
    };

    const answers = [];
    for (const attempt of Object.values(attempts)) answers.push(await failed(attempt));

    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ error: { code: 'invalid_credentials' }, costs: [COST] });
  });
});

const change = ({ tenant_id, id }: User, fields: Partial<UserEntity>) =>
  withTenantId(source, tenant_id, (tx) => tx.update(UserEntity, { tenant_id, id }, fields));

/** What a refused login says, and the cost of each hash that it took. */
async function failed(attempt: Login) {
  watched.mockClear();
  const error: unknown = await auth.login(attempt).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { error, costs: watched.mock.calls.map(([, hash]) => Number(String(hash).split('$')[2])) };
}

describe('me', () => {
  it('is the caller, the tenant and what the caller may do', async () => {
    const { user, tenant } = await auth.register(newcomer());
    await expect(asUser(user, () => auth.me())).resolves.toEqual({ user, tenant, permissions: ['*:*'] });
  });

  it('finds nobody of another tenant', async () => {
    const [{ user }, { tenant }] = [await auth.register(newcomer()), await auth.register(newcomer())];
    const me = asUser({ ...user, tenant_id: tenant.id }, () => auth.me());
    await expect(me).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is for users', async () => {
    const service = { tenant_id: crypto.randomUUID(), permissions: [], issuer: 'task' as const };
    await expect(runAs(service, () => auth.me())).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('jwks', () => {
  it('publishes the key that tokens are signed with', async () => {
    await expect(auth.jwks()).resolves.toMatchObject({ keys: [{ kid: 'newest', alg: 'EdDSA', kty: 'OKP' }] });
  });
});
