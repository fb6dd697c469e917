import type { User } from '@taai/contracts';
import { decodeJwt } from 'jose';
import { asUser, auditedOf, credentials, newcomer, outcomeOf, rowsOf, startAuth, type TestAuth } from '../auth.testing';
import { mintToken } from '../token/opaque-token';

let app: TestAuth;

beforeAll(async () => (app = await startAuth()));
afterAll(() => app.close());

/** A new user, logged in `times` times; the oldest session first. */
async function loggedIn(times = 1) {
  const input = newcomer();
  const { user } = await app.registrations.register(input);
  const sessions: { id: string; refresh_token: string }[] = [];
  while (sessions.length < times) {
    const { access_token, refresh_token } = await app.logins.login(credentials(input));
    sessions.push({ id: String(decodeJwt(access_token)['sid']), refresh_token });
  }
  const [{ id, refresh_token }] = sessions as [(typeof sessions)[0]];
  return { user, id, refresh_token, sessions };
}

const refresh = (refresh_token: string) => app.sessions.refresh({ refresh_token });
const invalid = { code: 'invalid_refresh_token', status: 401 };

const changesOf = (user: User) =>
  rowsOf<{ kind: string; id: string }>(app, user, 'select kind, id from access_changes');
const livingOf = (user: User) =>
  rowsOf<{ id: string }>(app, user, 'select id from sessions where revoked_at is null order by id');

/** As if the token had been exchanged longer ago than clients repeat themselves. */
const endGrace = (user: User) =>
  rowsOf(app, user, `update sessions set refresh_rotated_at = refresh_rotated_at - interval '11 seconds'`);

describe('refresh', () => {
  it('exchanges a token for new ones of the same session', async () => {
    const { user, id, refresh_token } = await loggedIn();

    const answer = await refresh(refresh_token);

    expect(answer).toMatchObject({ token_type: 'Bearer', expires_in: 86_400, user: { id: user.id } });
    expect(answer.refresh_token).not.toBe(refresh_token);
    expect(decodeJwt(answer.access_token)).toMatchObject({ sub: user.id, sid: id, tenant_id: user.tenant_id });
    await expect(refresh(answer.refresh_token)).resolves.toMatchObject({ user: { id: user.id } });
    await expect(livingOf(user)).resolves.toEqual([{ id }]);
  });

  it('leaves one living token of 20 parallel exchanges, and reuse ends the family', async () => {
    const { user, id, refresh_token } = await loggedIn();

    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(refresh_token)));

    const successors = new Set(answers.map((answer) => answer.refresh_token));
    expect(successors.size).toBe(1);
    await expect(rowsOf(app, user, 'select from used_refresh_tokens')).resolves.toHaveLength(1);
    await expect(livingOf(user)).resolves.toEqual([{ id }]);

    await endGrace(user);
    await expect(refresh(refresh_token)).rejects.toMatchObject(invalid);

    await expect(livingOf(user)).resolves.toEqual([]);
    for (const successor of successors) await expect(refresh(successor)).rejects.toMatchObject(invalid);
    await expect(changesOf(user)).resolves.toEqual([{ kind: 'session', id }]);
    expect((await auditedOf(app, user)).filter((action) => action === 'session.reuse_detected')).toHaveLength(1);
  });

  it('ends the family once when a used token is shown by many at once', async () => {
    const { user, refresh_token } = await loggedIn();
    await refresh(refresh_token);
    await endGrace(user);

    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcomeOf(refresh(refresh_token))));

    for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'invalid_refresh_token' });
    await expect(changesOf(user)).resolves.toHaveLength(1);
  });

  it('takes the last token but one for stolen, however young it is', async () => {
    const { user, refresh_token } = await loggedIn();
    const second = await refresh(refresh_token);
    await refresh(second.refresh_token);
    await expect(refresh(refresh_token)).rejects.toMatchObject(invalid);
    await expect(livingOf(user)).resolves.toEqual([]);
  });

  it('ends no other session of the user', async () => {
    const { user, sessions } = await loggedIn(2);
    const [stolen, other] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
    await refresh(stolen.refresh_token);
    await endGrace(user);
    await outcomeOf(refresh(stolen.refresh_token));
    await expect(refresh(other.refresh_token)).resolves.toMatchObject({ user: { id: user.id } });
  });

  it.each([mintToken().token, 'nonsense', "' or 1=1 --", 'x'.repeat(512)])('knows nothing of %.20s', async (token) => {
    await expect(refresh(token)).rejects.toMatchObject(invalid);
  });

  it.each([
    ['an expired session', `update sessions set expires_at = now()`, 'invalid_refresh_token'],
    ['a revoked session', `update sessions set revoked_at = now()`, 'invalid_refresh_token'],
    ['an inactive user', `update users set is_active = false`, 'invalid_refresh_token'],
    ['a suspended tenant', `update tenants set status = 'suspended'`, 'tenant_suspended'],
    ['a tenant that is being deleted', `update tenants set status = 'deleting'`, 'tenant_suspended'],
  ])('gives nothing to %s', async (_, sql, code) => {
    const { user, refresh_token } = await loggedIn();
    await rowsOf(app, user, sql);
    await expect(refresh(refresh_token)).rejects.toMatchObject({ code });
    await expect(rowsOf(app, user, 'select from used_refresh_tokens')).resolves.toEqual([]);
  });

  it('does not make a session longer', async () => {
    const { user, refresh_token } = await loggedIn();
    const lifetime = "select expires_at - created_at = interval '30 days' as is_whole from sessions";
    await refresh(refresh_token);
    await expect(rowsOf(app, user, lifetime)).resolves.toEqual([{ is_whole: true }]);
  });
});

describe('logout', () => {
  it('ends the session, also by a token that was exchanged', async () => {
    const { user, refresh_token, id } = await loggedIn();
    const { refresh_token: second } = await refresh(refresh_token);

    await app.sessions.logout({ refresh_token });
    await app.sessions.logout({ refresh_token: second });

    await expect(refresh(second)).rejects.toMatchObject(invalid);
    await expect(changesOf(user)).resolves.toEqual([{ kind: 'session', id }]);
    expect((await auditedOf(app, user)).at(-1)).toBe('session.revoked');
  });

  it('says nothing of an unknown token', async () => {
    await expect(app.sessions.logout({ refresh_token: mintToken().token })).resolves.toBeUndefined();
  });
});

describe('sessions', () => {
  it('are listed newest first, page by page, the living ones alone', async () => {
    const { user, sessions } = await loggedIn(4);
    const ids = sessions.map(({ id }) => id).reverse();
    await asUser(user, ids[0] as string, () => app.sessions.revoke({ id: ids[3] as string }));

    const list = (cursor?: string) => asUser(user, ids[1] as string, () => app.sessions.list({ limit: 2, cursor }));
    const first = await list();
    const second = await list(first.next_cursor ?? undefined);

    expect(first.data.map(({ id, is_current }) => [id, is_current])).toEqual([
      [ids[0], false],
      [ids[1], true],
    ]);
    expect(second).toMatchObject({ data: [{ id: ids[2] }], has_more: false, next_cursor: null });
    expect(first.data[0]).toEqual({
      id: ids[0],
      ip: null,
      user_agent: null,
      created_at: expect.any(Date),
      last_used_at: expect.any(Date),
      expires_at: expect.any(Date),
      is_current: false,
    });
  });

  it('tell when they were last used', async () => {
    const { user, id, refresh_token } = await loggedIn();
    const list = () => asUser(user, id, () => app.sessions.list({ limit: 20 }));
    const before = (await list()).data[0];
    await refresh(refresh_token);
    const after = (await list()).data[0];
    expect(before?.last_used_at).toEqual(before?.created_at);
    expect(Number(after?.last_used_at)).toBeGreaterThan(Number(before?.last_used_at));
  });

  it('are ended one by one, by their owner alone', async () => {
    const [owner, other] = [await loggedIn(2), await loggedIn()];
    const foreign = await outcomeOf(asUser(other.user, other.id, () => app.sessions.revoke({ id: owner.id })));
    const absent = await outcomeOf(
      asUser(other.user, other.id, () => app.sessions.revoke({ id: crypto.randomUUID() })),
    );
    expect(foreign).toEqual(absent);
    expect(foreign).toMatchObject({ code: 'not_found' });

    const revoke = () => asUser(owner.user, owner.id, () => app.sessions.revoke({ id: owner.id }));
    await revoke();
    await expect(refresh(owner.refresh_token)).rejects.toMatchObject(invalid);
    await expect(revoke()).rejects.toMatchObject({ code: 'not_found' });
    await expect(livingOf(owner.user)).resolves.toHaveLength(1);
    await expect(changesOf(owner.user)).resolves.toEqual([{ kind: 'session', id: owner.id }]);
  });

  it("are not a colleague's", async () => {
    const { user, id } = await loggedIn();
    const colleague = { ...user, id: crypto.randomUUID() };
    const revoke = asUser(colleague, crypto.randomUUID(), () => app.sessions.revoke({ id }));
    await expect(revoke).rejects.toMatchObject({ code: 'not_found' });
    await expect(asUser(colleague, id, () => app.sessions.list({ limit: 20 }))).resolves.toMatchObject({ data: [] });
  });

  it('refuse a cursor that is none', async () => {
    const { user, id } = await loggedIn();
    const list = asUser(user, id, async () => app.sessions.list({ cursor: 'nonsense', limit: 20 }));
    await expect(list).rejects.toMatchObject({ code: 'invalid_cursor' });
  });
});
