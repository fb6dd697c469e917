import { limits } from '@taai/contracts';
import { v7 } from 'uuid';
import { codes, openIdentity, problem, type Identity, type Person } from '../identity.testing';
import { UserHandler } from './user.handler';
import { Passwords } from '../password/password';

let identity: Identity;
let admin: Person;

beforeAll(async () => {
  identity = await openIdentity();
});
beforeEach(async () => {
  admin = await identity.newUser();
});
afterAll(() => identity.close());

const password = 'correct horse battery';
const newEmail = () => `${v7()}@example.com`;
const invite = (more: { email?: string; name?: string; role?: string } = {}) =>
  admin.as(() => identity.invites.invite({ email: newEmail(), role: 'member', ...more }));

/** An invited user, and what their mail brings. */
async function invited() {
  const user = await invite();
  return { user, token: await identity.mailedToken(admin, user.id) };
}

const storedHash = async (id: string) => {
  const [row] = await identity.query<{ password_hash: string | null }>(
    'select password_hash from users where id = $1',
    id,
  );
  return row?.password_hash ?? undefined;
};

describe('an invitation', () => {
  it('makes a user without a password, has a link mailed, is told and audited', async () => {
    const user = await invite({ email: '  Ada@Example.COM ', name: 'Ada' });
    expect(user).toEqual({
      id: expect.any(String),
      tenant_id: admin.tenant_id,
      email: 'ada@example.com',
      name: 'Ada',
      role: 'member',
      is_active: true,
      status: 'invited',
      created_at: expect.any(Date),
      last_login_at: null,
    });
    expect(await admin.as(() => identity.users.get(user.id))).toEqual(user);
    expect(await storedHash(user.id)).toBeUndefined();
    expect(await identity.events(admin)).toMatchObject([
      { type: 'mail.requested', data: { token_id: expect.any(String) } },
      { type: 'user.invited', data: { id: user.id, email: 'ada@example.com', role: 'member' } },
    ]);
    expect(await identity.audited(admin)).toMatchObject([
      { action: 'user.invited', target_id: user.id, after: { email: 'ada@example.com', name: 'Ada', role: 'member' } },
    ]);
  });

  it('refuses a known e-mail in any spelling and of any tenant, and leaves nothing behind', async () => {
    const other = await identity.newUser();
    for (const { id } of [admin, other]) {
      const refused = invite({ email: ` ${id.toUpperCase()}@EXAMPLE.com` });
      await expect(refused).rejects.toMatchObject({ code: 'email_taken', status: 409 });
    }
    expect(await identity.events(admin)).toEqual([]);
    expect((await admin.as(() => identity.users.list({ limit: 20 }))).data).toHaveLength(1);
  });

  it('goes to one mailbox once, however its domain is spelt', async () => {
    const local = v7();
    expect((await invite({ email: `${local}@Exämple.com` })).email).toBe(`${local}@xn--exmple-cua.com`);
    const again = (await identity.newUser()).as(() =>
      identity.invites.invite({ email: `${local}@xn--exmple-cua.com`, role: 'member' }),
    );
    await expect(again).rejects.toEqual(problem('email_taken'));
  });

  it('lets one of two tenants win that invite the same person at once', async () => {
    const other = await identity.newUser();
    const email = newEmail();
    const results = await Promise.allSettled(
      [admin, other].map((one) => one.as(() => identity.invites.invite({ email, role: 'member' }))),
    );
    expect(codes(results).filter(Boolean)).toEqual(['email_taken']);
  });

  it('that was never accepted holds its address no longer than its link works', async () => {
    const other = await identity.newUser();
    const email = `${v7()}@example.com`;
    const first = await admin.as(() => identity.invites.invite({ email, role: 'viewer' }));
    const invite = () => other.as(() => identity.invites.invite({ email, role: 'viewer' }));
    await expect(invite()).rejects.toEqual(problem('email_taken'));
    await identity.query(
      `update one_time_tokens set expires_at = now() - interval '1 second' where user_id = $1`,
      first.id,
    );
    expect((await invite()).tenant_id).toBe(other.tenant_id);
    expect(await identity.query('select from users where id = $1', first.id)).toEqual([]);
    expect((await identity.audited(admin)).at(-1)).toMatchObject({ action: 'invite.expired', target_id: first.id });
  });

  it('is sent once per Idempotency-Key', async () => {
    const email = newEmail();
    const send = (role: string) =>
      admin.as(() => new UserHandler(identity.users, identity.invites).invite({ email, role }), 'key');
    const { id } = await send('member');
    expect((await send('member')).id).toBe(id);
    await expect(send('viewer')).rejects.toEqual(problem('idempotency_mismatch'));
    expect(await identity.events(admin)).toHaveLength(2);
  });

  it.each(['nobody', 'constructor', 'toString'])('refuses the role %s, which is not there', async (role) => {
    await expect(invite({ role })).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'role', message: expect.any(String) }] },
    });
  });

  it('is sent again with another link; the earlier one stops working', async () => {
    const { user, token } = await invited();
    expect(await admin.as(() => identity.invites.inviteAgain(user.id))).toEqual(user);
    await expect(identity.invites.accept({ token, password })).rejects.toEqual(problem('invalid_token'));
    const newer = await identity.mailedToken(admin, user.id);
    await expect(identity.invites.accept({ token: newer, password })).resolves.toMatchObject({ user: { id: user.id } });
    expect(await identity.audited(admin)).toMatchObject([
      { action: 'user.invited' },
      { action: 'invite.resent', target_id: user.id },
      { action: 'invite.accepted' },
    ]);
  });

  it('is not sent again when it was accepted, or the user is not to be let in', async () => {
    const { user, token } = await invited();
    await admin.as(() => identity.users.update({ id: user.id, is_active: false }));
    await expect(admin.as(() => identity.invites.inviteAgain(user.id))).rejects.toEqual(problem('conflict'));
    await expect(identity.invites.accept({ token, password })).rejects.toEqual(problem('invalid_token'));
    await expect(admin.as(() => identity.invites.inviteAgain(admin.id))).rejects.toEqual(problem('conflict'));
  });
});

describe('the limit of mails to one address', () => {
  it('is used up by mails alone, not by what other tenants ask for in vain', async () => {
    const { id, email } = await invite();
    const other = await identity.newUser();
    const inVain = () => other.as(() => identity.invites.invite({ email, role: 'member' }));
    for (let n = 0; n < limits.invitesToAddressPerHour; n++) {
      await expect(inVain()).rejects.toEqual(problem('email_taken'));
    }

    const again = () => admin.as(() => identity.invites.inviteAgain(id));
    for (let n = 1; n < limits.invitesToAddressPerHour; n++) await again();
    await expect(again()).rejects.toEqual(problem('rate_limited'));
    expect((await identity.events(admin)).filter(({ type }) => type === 'mail.requested')).toHaveLength(
      limits.invitesToAddressPerHour,
    );
  });
});

describe('accepting', () => {
  it('sets the password and the name, makes the user active, is told and audited', async () => {
    const { user, token } = await invited();
    const answer = await identity.invites.accept({ token, password, name: 'Grace' });
    expect(answer).toEqual({
      user: { ...user, name: 'Grace', status: 'active' },
      tenant: expect.objectContaining({ id: admin.tenant_id, status: 'active' }),
    });
    expect(await new Passwords(4).matches(password, await storedHash(user.id))).toBe(true);
    expect((await identity.events(admin)).at(-1)).toMatchObject({ type: 'user.created', data: { id: user.id } });
    expect((await identity.audited(admin)).at(-1)).toMatchObject({
      action: 'invite.accepted',
      actor_type: 'user',
      actor_id: user.id,
      target_id: user.id,
    });
    const everything = JSON.stringify(
      await identity.query('select * from outbox where tenant_id = $1', admin.tenant_id),
    );
    for (const secret of [token, password, await storedHash(user.id)]) expect(everything).not.toContain(secret);
  });

  it.each(['aaaaaaaa', 'Tenant99'])('refuses the password %s, and the link goes on to work', async (easy) => {
    const { user, token } = await invited();
    await expect(identity.invites.accept({ token, password: easy })).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'password', message: expect.stringMatching(/^is too easy to guess/) }] },
    });
    await expect(identity.invites.accept({ token, password })).resolves.toMatchObject({ user: { id: user.id } });
  });

  it('keeps the name that was invited, unless there is another', async () => {
    const user = await invite({ name: 'Ada' });
    const token = await identity.mailedToken(admin, user.id);
    expect(await identity.invites.accept({ token, password })).toMatchObject({ user: { name: 'Ada' } });
  });

  it('works once, however many try at once', async () => {
    const { user, token } = await invited();
    const tries = Array.from(
      { length: 8 },
      (_, n) => () => identity.invites.accept({ token, password: `choice of ${n} horses` }),
    );
    const results = await identity.race(admin, tries);
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    expect(codes(results)).toEqual(tries.map((_, n) => (n === winner ? undefined : 'invalid_token')));
    expect(await new Passwords(4).matches(`choice of ${winner} horses`, await storedHash(user.id))).toBe(true);
    await expect(identity.invites.accept({ token, password })).rejects.toEqual(problem('invalid_token'));
  });

  const unfit: [string, (token: string, id: string) => Promise<string>][] = [
    [
      'an expired token',
      (token, id) => alter(token, `update one_time_tokens set expires_at = now() where user_id = '${id}'`),
    ],
    ['a used token', (token, id) => alter(token, `update one_time_tokens set used_at = now() where user_id = '${id}'`)],
    [
      'a token to reset a password',
      (token, id) => alter(token, `update one_time_tokens set kind = 'password_reset' where user_id = '${id}'`),
    ],
    [
      'the token of who has a password',
      (token, id) => alter(token, `update users set password_hash = 'x' where id = '${id}'`),
    ],
    [
      'the token of who is not active',
      (token, id) => alter(token, `update users set is_active = false where id = '${id}'`),
    ],
    ['the token of who was removed', (token, id) => alter(token, `delete from users where id = '${id}'`)],
    ['a token with another letter', async (token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'E' : 'A'}`],
    [
      'the hash of a token',
      async (_, id) =>
        (
          await identity.query<{ token_hash: string }>('select token_hash from one_time_tokens where user_id = $1', id)
        )[0]?.token_hash ?? '',
    ],
    ['SQL', async () => "' or 1=1 --"],
  ];

  const alter = async (token: string, sql: string) => {
    await identity.query(sql);
    return token;
  };

  it.each(unfit)('refuses %s', async (_, make) => {
    const { user, token } = await invited();
    const unfitToken = await make(token, user.id);
    await expect(identity.invites.accept({ token: unfitToken, password })).rejects.toMatchObject({
      code: 'invalid_token',
      status: 400,
    });
    expect((await identity.events(admin)).map(({ type }) => type)).not.toContain('user.created');
  });

  it('waits while the tenant is suspended', async () => {
    const { token } = await invited();
    const set = (status: string) =>
      identity.query('update tenants set status = $1 where id = $2', status, admin.tenant_id);
    await set('suspended');
    await expect(identity.invites.accept({ token, password })).rejects.toEqual(problem('tenant_suspended'));
    await set('active');
    await expect(identity.invites.accept({ token, password })).resolves.toMatchObject({ user: { status: 'active' } });
  });
});
