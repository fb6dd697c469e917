import type { User } from '@taai/contracts';
import { sha256 } from '@taai/platform';
import { runInContext } from '@taai/tenant';
import { decodeJwt } from 'jose';
import {
  auditedOf,
  credentials,
  from,
  newcomer,
  outcomeOf,
  rowsOf,
  someIp,
  startAuth,
  type TestAuth,
} from '../auth.testing';

let app: TestAuth;

beforeAll(async () => (app = await startAuth()));
afterAll(() => app.close());

/** Of the stored hashes. */
async function costsOf(user: User): Promise<(string | undefined)[]> {
  const rows = await rowsOf<{ password_hash: string }>(app, user, 'select password_hash from users');
  return rows.map(({ password_hash }) => password_hash.split('$')[2]);
}

const codeOf = (outcome: unknown): unknown => Reflect.get(Object(outcome) as object, 'code');

describe('login', () => {
  it('opens a session that the access token names', async () => {
    const input = newcomer();
    const { user } = await app.registrations.register(input);
    const client = { request_id: 'r', ip: someIp(), user_agent: 'spec/1.0' };

    const answer = await runInContext(client, () => app.logins.login(credentials(input)));

    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 86_400, user });
    const { sid, ...claims } = decodeJwt(answer.access_token);
    expect(claims).toMatchObject({ sub: user.id, tenant_id: user.tenant_id, role: 'admin' });
    expect(await rowsOf(app, user, 'select * from sessions')).toMatchObject([
      {
        id: sid,
        user_id: user.id,
        ip: client.ip,
        user_agent: 'spec/1.0',
        revoked_at: null,
        refresh_token_hash: sha256(answer.refresh_token),
      },
    ]);
    expect(await auditedOf(app, user)).toContain('session.opened');
  });

  it('takes the e-mail as it is typed', async () => {
    const input = newcomer();
    await app.registrations.register(input);
    const login = app.logins.login({ email: ` ${input.email.toUpperCase()} `, password: input.password });
    await expect(login).resolves.toMatchObject({ user: { email: input.email } });
  });

  it.each(['suspended', 'deleting'])('tells of a tenant that is %s only who knows the password', async (status) => {
    const input = newcomer();
    const { user } = await app.registrations.register(input);
    await rowsOf(app, user, 'update tenants set status = $1', [status]);
    const login = (password: string) => outcomeOf(app.logins.login({ email: input.email, password }));

    expect(await login(input.password)).toMatchObject({ code: 'tenant_suspended' });
    expect(await login('another horse')).toMatchObject({ code: 'invalid_credentials' });
    expect(await rowsOf(app, user, 'select from sessions')).toEqual([]);
  });

  it('hashes the password anew when the cost was changed, however many log in', async () => {
    const input = newcomer();
    const { user } = await app.registrations.register(input);
    const upgraded = app.loginsAt(5);

    const logins = Array.from({ length: 5 }, () => from(someIp(), () => upgraded.login(credentials(input))));

    await expect(Promise.all(logins)).resolves.toHaveLength(5);
    expect(await costsOf(user)).toEqual(['05']);
    await expect(app.logins.login(credentials(input))).resolves.toMatchObject({ user: { id: user.id } });
  });

  it('does not upgrade by a wrong password', async () => {
    const input = newcomer();
    const { user } = await app.registrations.register(input);
    await outcomeOf(app.loginsAt(5).login({ ...credentials(input), password: 'another horse' }));
    expect(await costsOf(user)).toEqual(['04']);
  });

  it('slows guesses down, and lets the owner in all the same', async () => {
    const [input, home] = [newcomer(), someIp()];
    await app.registrations.register(input);
    const login = (ip: string, password: string) =>
      outcomeOf(from(ip, () => app.logins.login({ email: input.email, password })));
    await login(home, input.password);

    const guesses = await Promise.all(Array.from({ length: 20 }, () => login(someIp(), 'another horse')));

    const codes = Map.groupBy(guesses, codeOf);
    expect([codes.get('invalid_credentials')?.length, codes.get('rate_limited')?.length]).toEqual([5, 15]);
    expect(await login(home, input.password)).toBe('ok');
  });
});
