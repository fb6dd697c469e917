import type { User } from '@taai/contracts';
import { withTenantId } from '@taai/entities';
import { keys, sha256 } from '@taai/platform';
import { decodeJwt } from 'jose';
import {
  asUser,
  auditedOf,
  credentials,
  foreignRowsOf,
  from,
  newcomer,
  outcomeOf,
  PASSWORD,
  rowsOf,
  someIp,
  startAuth,
  type TestAuth,
} from '../auth.testing';
import { mintToken } from '../token/opaque-token';

let app: TestAuth;

beforeAll(async () => (app = await startAuth()));
afterAll(() => app.close());

const NEW = 'another horse';

async function loggedIn() {
  const input = newcomer();
  const { user } = await app.registrations.register(input);
  const { access_token, refresh_token } = await app.logins.login(credentials(input));
  return { input, user, sid: String(decodeJwt(access_token)['sid']), refresh_token };
}

const login = (email: string, password: string) => outcomeOf(app.logins.login({ email, password }));
const refresh = (refresh_token: string) => outcomeOf(app.sessions.refresh({ refresh_token }));
const invalidRefresh = { code: 'invalid_refresh_token' };

/** The token of a link that was mailed to the user. */
async function linkOf(user: User): Promise<string> {
  await app.passwords.forgot({ email: user.email });
  await app.background.settled();
  const [{ id } = { id: '' }] = await rowsOf<{ id: string }>(app, user, 'select id from one_time_tokens');
  const mail = await asUser(user, crypto.randomUUID(), () => app.links.mint(id));
  if (!mail) throw new Error('There is no link to mint.');
  return mail.token;
}

const mailsTo = async (user: User) =>
  (await foreignRowsOf(app, user, `select from outbox where tenant_id = $1 and type = 'mail.requested'`)).length;

describe('change', () => {
  const change = ({ user, sid }: { user: User; sid: string }, new_password = NEW, current_password = PASSWORD) =>
    outcomeOf(asUser(user, sid, () => app.passwords.change({ current_password, new_password })));

  it('sets the password and ends the other sessions', async () => {
    const own = await loggedIn();
    const { email } = own.user;
    const other = await app.logins.login(credentials(own.input));

    expect(await change(own)).toBe('ok');

    expect(await login(email, PASSWORD)).toMatchObject({ code: 'invalid_credentials' });
    expect(await login(email, NEW)).toBe('ok');
    expect(await refresh(own.refresh_token)).toBe('ok');
    expect(await refresh(other.refresh_token)).toMatchObject(invalidRefresh);
    expect(await auditedOf(app, own.user)).toContain('password.changed');
    expect(await rowsOf(app, own.user, 'select kind, id from access_changes')).toEqual([
      { kind: 'user', id: own.user.id },
    ]);
  });

  it('asks for the present password, and slows guesses down', async () => {
    const own = await loggedIn();
    for (let n = 0; n < 5; n++) {
      expect(await change(own, NEW, 'a guess')).toMatchObject({ code: 'invalid_credentials' });
    }
    await app.redis.hset(keys.loginFailures(sha256(own.sid)), 'next', Date.now() + 30_000);
    expect(await change(own)).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    expect(await refresh(own.refresh_token)).toBe('ok');
  });

  it('refuses what everybody would guess', async () => {
    const own = await loggedIn();
    for (const password of ['Password1', 'aaaaaaaa', own.user.email]) {
      expect(await change(own, password)).toMatchObject({
        code: 'validation_failed',
        errors: [{ path: 'new_password' }],
      });
    }
  });

  it('kills links that were mailed before', async () => {
    const own = await loggedIn();
    const token = await linkOf(own.user);
    await change(own);
    const reset = app.passwords.reset({ token, new_password: 'a third horse' });
    await expect(reset).rejects.toMatchObject({ code: 'invalid_token' });
  });

  it('is for a user of the tenant', async () => {
    const [own, other] = [await loggedIn(), await loggedIn()];
    const stranger = { user: { ...own.user, tenant_id: other.user.tenant_id }, sid: own.sid };
    expect(await change(stranger)).toMatchObject({ code: 'invalid_credentials' });
  });

  it('lets no login with the old password in that comes at the same time', async () => {
    const own = await loggedIn();
    const logins = Array.from({ length: 10 }, () => app.logins.login(credentials(own.input)).catch(() => undefined));

    const [changed, ...answers] = await Promise.all([change(own), ...logins]);

    expect(changed).toBe('ok');
    for (const answer of answers) {
      if (answer) expect(await refresh(answer.refresh_token)).toMatchObject(invalidRefresh);
    }
  });
});

describe('forgot', () => {
  it('has a link mailed, and no more than three in an hour', async () => {
    const { user } = await loggedIn();
    for (let n = 0; n < 5; n++) await app.passwords.forgot({ email: ` ${user.email.toUpperCase()}` });
    await app.background.settled();
    expect(await mailsTo(user)).toBe(3);
    expect(await rowsOf(app, user, 'select kind from one_time_tokens')).toEqual([{ kind: 'password_reset' }]);
  });

  it.each(['is_active = false', 'password_hash = null'])('mails nothing to an account with %s', async (change) => {
    const { user } = await loggedIn();
    await rowsOf(app, user, `update users set ${change}`);
    await app.passwords.forgot({ email: user.email });
    await app.background.settled();
    expect(await mailsTo(user)).toBe(0);
  });

  it('answers before it looks', async () => {
    const { user } = await loggedIn();
    await withTenantId(app.source, user.tenant_id, async (tx) => {
      await tx.read('select from users where id = $1 for update', [user.id]); // until then no link can be written
      await app.passwords.forgot({ email: user.email });
      expect(await tx.read('select from one_time_tokens')).toEqual([]);
    });
    await app.background.settled();
    expect(await rowsOf(app, user, 'select from one_time_tokens')).toHaveLength(1);
  });

  it('is limited for each network, known account or not', async () => {
    const ip = someIp();
    const forgot = (by: string) =>
      outcomeOf(from(by, () => app.passwords.forgot({ email: `${crypto.randomUUID()}@example.com` })));
    const outcomes = await Promise.all(Array.from({ length: 25 }, () => forgot(ip)));
    expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(20);
    expect(await forgot(ip)).toMatchObject({ code: 'rate_limited', retry_after: expect.any(Number) });
    expect(await forgot(someIp())).toBe('ok');
    await app.background.settled();
  });
});

describe('reset', () => {
  const reset = (token: string, new_password = NEW) => outcomeOf(app.passwords.reset({ token, new_password }));

  it('sets the password and ends all sessions', async () => {
    const { user, refresh_token } = await loggedIn();

    expect(await reset(await linkOf(user))).toBe('ok');

    expect(await login(user.email, PASSWORD)).toMatchObject({ code: 'invalid_credentials' });
    expect(await login(user.email, NEW)).toBe('ok');
    expect(await refresh(refresh_token)).toMatchObject(invalidRefresh);
    expect(await auditedOf(app, user)).toContain('password.reset');
  });

  it('works once, however many try at the same time', async () => {
    const { user } = await loggedIn();
    const token = await linkOf(user);
    const words = Array.from({ length: 20 }, (_, n) => `horse number ${n}`);

    const outcomes = await Promise.all(words.map((word) => reset(token, word)));

    const won = outcomes.flatMap((outcome, n) => (outcome === 'ok' ? [words[n] as string] : []));
    expect(won).toHaveLength(1);
    for (const outcome of outcomes.filter((one) => one !== 'ok'))
      expect(outcome).toMatchObject({ code: 'invalid_token' });
    expect(await login(user.email, won[0] as string)).toBe('ok');
    expect(await reset(token)).toMatchObject({ code: 'invalid_token' });
  });

  it('keeps the link when the new password is refused', async () => {
    const { user } = await loggedIn();
    const token = await linkOf(user);
    const refused = { code: 'validation_failed', errors: [{ path: 'new_password' }] };
    expect(await reset(token, 'iloveyou')).toMatchObject(refused);
    expect(await reset(token, user.email)).toMatchObject(refused);
    expect(await reset(token)).toBe('ok');
  });

  it('works by the newest link alone', async () => {
    const { user } = await loggedIn();
    const [older, newer] = [await linkOf(user), await linkOf(user)];
    expect(await reset(older)).toMatchObject({ code: 'invalid_token' });
    expect(await reset(newer)).toBe('ok');
  });

  it.each([
    ['an unknown link', undefined],
    ['an expired one', 'update one_time_tokens set expires_at = now()'],
    ['an invitation', `update one_time_tokens set kind = 'invite'`],
    ['that of an inactive user', 'update users set is_active = false'],
  ])('refuses %s', async (_, sql) => {
    const { user } = await loggedIn();
    const token = await linkOf(user);
    if (sql) await rowsOf(app, user, sql);
    expect(await reset(sql ? token : mintToken().token)).toMatchObject({ code: 'invalid_token' });
  });

  it('is refused to a suspended tenant', async () => {
    const { user } = await loggedIn();
    const token = await linkOf(user);
    await rowsOf(app, user, `update tenants set status = 'suspended'`);
    expect(await reset(token)).toMatchObject({ code: 'tenant_suspended' });
  });

  it('lets the owner in where others guess', async () => {
    const [{ user }, ip] = [await loggedIn(), someIp()];
    const token = await linkOf(user);
    await Promise.all(Array.from({ length: 10 }, () => login(user.email, 'a guess')));
    await app.redis.hset(keys.loginFailures(sha256(user.email)), 'next', Date.now() + 30_000);

    await from(ip, () => app.passwords.reset({ token, new_password: NEW }));

    expect(await login(user.email, NEW)).toMatchObject({ code: 'rate_limited' });
    expect(await from(ip, () => login(user.email, NEW))).toBe('ok');
  });
});
