import { publicMethods, SchemaCollector, type Class } from '@taai/contracts';
import {
  auditedOf,
  foreignRowsOf,
  from,
  newcomer,
  outcomeOf,
  PASSWORD,
  someIp,
  startAuth,
  type TestAuth,
} from '../auth.testing';

let app: TestAuth;

beforeAll(async () => (app = await startAuth()));
afterAll(() => app.close());

const countTenants = async (name: string): Promise<number> =>
  (await app.database.admin('select from tenants where name = $1', [name])).length;

describe('register', () => {
  it('creates a tenant, its admin and its free subscription', async () => {
    const input = newcomer({ email: '  Ada@Example.COM ', name: 'Ada' });

    const { user, tenant } = await app.registrations.register(input);

    expect(user).toEqual({
      id: expect.any(String),
      tenant_id: tenant.id,
      email: 'ada@example.com',
      name: 'Ada',
      role: 'admin',
      is_active: true,
      status: 'active',
      created_at: expect.any(Date),
      last_login_at: null,
    });
    expect(tenant).toEqual({
      id: user.tenant_id,
      name: 'Acme',
      plan_id: 'free',
      status: 'active',
      created_at: expect.any(Date),
    });
    const subscriptions = await foreignRowsOf(app, user, 'select * from subscriptions where tenant_id = $1');
    expect(subscriptions).toMatchObject([{ plan_id: 'free', status: 'active', current_period_end: null }]);
    expect(await auditedOf(app, user)).toEqual(['tenant.created', 'user.created']);
  });

  it('refuses a known e-mail in any spelling, and leaves nothing behind', async () => {
    const first = newcomer();
    await app.registrations.register(first);
    const tenant_name = crypto.randomUUID();

    const again = app.registrations.register({ ...first, tenant_name, email: ` ${first.email.toUpperCase()}` });

    await expect(again).rejects.toMatchObject({ code: 'email_taken', status: 409 });
    await expect(countTenants(tenant_name)).resolves.toBe(0);
  });

  it('is of one account for each mailbox, however its domain is spelt: at registration, log-in and reset', async () => {
    const [local, password] = [crypto.randomUUID(), PASSWORD];
    const { user } = await app.registrations.register(newcomer({ email: `${local}@Exämple.com` }));
    expect(user.email).toBe(`${local}@xn--exmple-cua.com`);

    const spellings = ['exämple.com', 'exa\u0308mple.com', 'XN--EXMPLE-CUA.com', 'ＥＸÄＭＰＬＥ。com', 'exämple.com.'];
    for (const email of spellings.map((domain) => `${local}@${domain}`)) {
      await expect(app.registrations.register(newcomer({ email }))).rejects.toMatchObject({ code: 'email_taken' });
      await expect(app.logins.login({ email, password })).resolves.toMatchObject({ user: { id: user.id } });
    }
    await from(someIp(), () => app.passwords.forgot({ email: `${local}@exämple.com` }));
    await app.background.settled();
    const links = "select from one_time_tokens where tenant_id = $1 and kind = 'password_reset'";
    expect(await foreignRowsOf(app, user, links)).toHaveLength(1);
  });

  it('is made canonical at every door that addresses come in by: these, and the invitation', () => {
    const fieldsOf = (input: Class) => new SchemaCollector('input').fields(input).map(({ name }) => name);
    const doors = publicMethods.filter(({ method }) => fieldsOf(method.input).includes('email'));
    expect(doors.map(({ rpc }) => rpc)).toEqual([
      'auth.register',
      'auth.login',
      'auth.password.forgot',
      'auth.user.invite',
    ]);
  });

  it('lets one of many win that come at once', async () => {
    const input = newcomer({ tenant_name: crypto.randomUUID() });

    const results = await Promise.allSettled(Array.from({ length: 20 }, () => app.registrations.register(input)));

    const refused = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason);
    expect(refused).toHaveLength(19);
    for (const reason of refused) expect(reason).toMatchObject({ code: 'email_taken' });
    await expect(countTenants(input.tenant_name)).resolves.toBe(1);
  });

  it.each(['Password1', 'aaaaaaaa', 'Ada.Lovelace', 'Charles'])('refuses the password %s and more', async (start) => {
    const [tenant_name, email] = [`Charles ${crypto.randomUUID()}`, 'ada.lovelace@example.com'];
    const input = newcomer({ tenant_name, email, password: `${start}1` });
    await expect(app.registrations.register(input)).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'password' }] },
    });
    await expect(countTenants(input.tenant_name)).resolves.toBe(0);
  });

  it('tells a network ten times in an hour that an address is taken, then nothing of any address', async () => {
    const [known, ip] = [newcomer(), someIp()];
    await app.registrations.register(known);
    const register = (input = known, by = ip) => outcomeOf(from(by, () => app.registrations.register(input)));

    const conflicts = await Promise.all(Array.from({ length: 15 }, () => register()));

    const told = conflicts.filter((outcome) => JSON.stringify(outcome).includes('email_taken'));
    expect(told).toHaveLength(10);
    const refused = { code: 'rate_limited', retry_after: expect.any(Number) };
    expect(await register()).toMatchObject(refused);
    expect(await register(newcomer())).toMatchObject(refused);
    expect(await register(newcomer(), someIp())).toBe('ok');
  });
});
