import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { codes, openIdentity, problem, type Identity, type Person } from '../identity.testing';

let identity: Identity;
let admin: Person;

beforeAll(async () => {
  identity = await openIdentity();
});
beforeEach(async () => {
  admin = await identity.newUser();
});
afterAll(() => identity.close());

const member = (tenant = admin) => identity.newUser({ tenant_id: tenant.tenant_id, role: 'member' });

/** What a user could still come in by. */
async function openDoors({ tenant_id, id }: Person) {
  const hash = () => createHash('sha256').update(v7()).digest('hex');
  const later = new Date(Date.now() + 60_000);
  await identity.query(
    'insert into sessions (tenant_id, id, user_id, expires_at) values ($1, $2, $3, $4)',
    tenant_id,
    v7(),
    id,
    later,
  );
  await identity.query(
    `insert into api_keys (tenant_id, id, name, prefix, key_hash, scopes, created_by)
     values ($1, $2, 'k', 'taai_live_Ab3x', $3, '{*:*}', $4)`,
    tenant_id,
    v7(),
    hash(),
    id,
  );
  await identity.query(
    `insert into one_time_tokens (tenant_id, id, user_id, kind, expires_at) values ($1, $2, $3, 'password_reset', $4)`,
    tenant_id,
    v7(),
    id,
    later,
  );
}

const doorsOf = async ({ id }: Person) => {
  const [doors] = await identity.query<{ living: number; kept: number; links: number }>(
    `select
       (select count(*) from sessions where user_id = $1 and revoked_at is null)::integer
         + (select count(*) from api_keys where created_by = $1 and revoked_at is null)::integer as living,
       (select count(*) from sessions where user_id = $1)::integer
         + (select count(*) from api_keys where created_by = $1)::integer as kept,
       (select count(*) from one_time_tokens where user_id = $1)::integer as links`,
    id,
  );
  return doors;
};

describe('users', () => {
  it('are listed newest first, page by page, and read one by one, without their password', async () => {
    const people = [admin, await member(), await member()];
    const first = await admin.as(() => identity.users.list({ limit: 2 }));
    const rest = await admin.as(() => identity.users.list({ limit: 2, cursor: first.next_cursor ?? '' }));
    expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(people.map(({ id }) => id).reverse());
    expect(rest).toMatchObject({ has_more: false, next_cursor: null });
    expect(await admin.as(() => identity.users.get(admin.id))).toEqual({
      id: admin.id,
      tenant_id: admin.tenant_id,
      email: `${admin.id}@example.com`,
      name: null,
      role: 'admin',
      is_active: true,
      status: 'active',
      created_at: expect.any(Date),
      last_login_at: null,
    });
  });

  it('are invited until they have a password, and inactive whenever they are not active', async () => {
    const { tenant_id } = admin;
    const status = async (fields: { password_hash?: null; is_active?: false }) => {
      const { id } = await identity.newUser({ tenant_id, role: 'member', ...fields });
      return (await admin.as(() => identity.users.get(id))).status;
    };
    expect(await status({})).toBe('active');
    expect(await status({ password_hash: null })).toBe('invited');
    expect(await status({ is_active: false })).toBe('inactive');
    expect(await status({ is_active: false, password_hash: null })).toBe('inactive');
  });

  it('change name and role, which is audited, and seen by every gateway', async () => {
    const { id } = await member();
    const changed = await admin.as(() => identity.users.update({ id, name: 'Ada', role: 'viewer' }));
    expect(changed).toMatchObject({ id, name: 'Ada', role: 'viewer' });
    expect(await admin.as(() => identity.users.get(id))).toEqual(changed);
    expect(await identity.audited(admin)).toMatchObject([
      {
        action: 'user.updated',
        actor_type: 'user',
        actor_id: admin.id,
        target_type: 'user',
        target_id: id,
        before: { name: null, role: 'member' },
        after: { name: 'Ada', role: 'viewer' },
      },
    ]);
    expect(await identity.accessChanges(admin)).toEqual([{ kind: 'user', id }]);
  });

  it('change nothing, and tell of nothing, when they are as they should be', async () => {
    const { id } = await member();
    const before = await admin.as(() => identity.users.get(id));
    expect(await admin.as(() => identity.users.update({ id, role: 'member', is_active: true }))).toEqual(before);
    expect(await identity.audited(admin)).toEqual([]);
    expect(await identity.accessChanges(admin)).toEqual([]);
  });

  it('lose sessions, API keys and links for good when they are deactivated', async () => {
    const user = await member();
    await openDoors(user);
    await openDoors(admin);
    const off = await admin.as(() => identity.users.update({ id: user.id, is_active: false }));
    expect(off).toMatchObject({ is_active: false, status: 'inactive' });
    expect(await doorsOf(user)).toEqual({ living: 0, kept: 2, links: 0 });
    expect(await doorsOf(admin)).toEqual({ living: 2, kept: 2, links: 1 });
    await admin.as(() => identity.users.update({ id: user.id, is_active: true }));
    expect(await doorsOf(user)).toMatchObject({ living: 0 });
    expect(await identity.accessChanges(admin)).toEqual([
      { kind: 'user', id: user.id },
      { kind: 'user', id: user.id },
    ]);
  });

  it('are removed with sessions, API keys and links; their tasks stay, assigned to nobody', async () => {
    const user = await member();
    await openDoors(user);
    const task = 'insert into tasks (tenant_id, id, title, assignee_id, created_by) values ($1, $2, $3, $4, $4)';
    await identity.query(task, admin.tenant_id, v7(), 'Theirs', user.id);
    await admin.as(() => identity.users.remove(user.id));
    expect(await doorsOf(user)).toEqual({ living: 0, kept: 0, links: 0 });
    const tasks = 'select title, assignee_id from tasks where tenant_id = $1';
    expect(await identity.query(tasks, admin.tenant_id)).toEqual([{ title: 'Theirs', assignee_id: null }]);
    expect(await identity.accessChanges(admin)).toEqual([{ kind: 'user', id: user.id }]);
    expect(await identity.audited(admin)).toMatchObject([
      { action: 'user.removed', before: { email: `${user.id}@example.com`, role: 'member' }, after: null },
    ]);
    await expect(admin.as(() => identity.users.remove(user.id))).rejects.toEqual(problem('not_found'));
  });

  it.each(['nobody', 'Admin', 'constructor', '__proto__', "'; drop table users --"])(
    'cannot have the role %j, which is not there',
    async (role) => {
      const { id } = await member();
      await expect(admin.as(() => identity.users.update({ id, role }))).rejects.toMatchObject({
        code: 'validation_failed',
        extras: { errors: [{ path: 'role' }] },
      });
    },
  );

  it("of another tenant are as those that don't exist", async () => {
    const other = await identity.newUser();
    for (const id of [other.id, v7()]) {
      for (const attempt of [
        () => identity.users.get(id),
        () => identity.users.update({ id, role: 'viewer' }),
        () => identity.users.remove(id),
        () => identity.invites.inviteAgain(id),
      ]) {
        await expect(admin.as<Promise<unknown>>(attempt)).rejects.toMatchObject({
          code: 'not_found',
          message: 'There is no such user.',
        });
      }
    }
    expect((await admin.as(() => identity.users.list({ limit: 20 }))).data.map(({ id }) => id)).toEqual([admin.id]);
    expect(await identity.accessChanges(other)).toEqual([]);
  });
});

describe('the last active admin', () => {
  it.each([
    ['demoted', { role: 'viewer' }],
    ['deactivated', { is_active: false }],
  ])('cannot be %s', async (_, change) => {
    // None of these could log in and be the admin.
    const { tenant_id } = admin;
    await identity.newUser({ tenant_id, password_hash: null });
    await identity.newUser({ tenant_id, is_active: false });
    await identity.newUser();
    const change_ = () => identity.users.update({ id: admin.id, ...change });
    await expect(admin.as(change_)).rejects.toEqual(problem('last_admin'));
    expect(await admin.as(() => identity.users.get(admin.id))).toMatchObject({ role: 'admin', status: 'active' });
    expect(await identity.accessChanges(admin)).toEqual([]);
    await identity.newUser({ tenant_id });
    await expect(admin.as(change_)).resolves.toMatchObject(change);
  });

  it('cannot be removed', async () => {
    await expect(admin.as(() => identity.users.remove(admin.id))).rejects.toEqual(problem('last_admin'));
    const other = await identity.newUser({ tenant_id: admin.tenant_id });
    await other.as(() => identity.users.remove(admin.id));
    await expect(other.as(() => identity.users.remove(other.id))).rejects.toEqual(problem('last_admin'));
  });

  it('may change their name', async () => {
    await expect(admin.as(() => identity.users.update({ id: admin.id, name: 'Ada' }))).resolves.toMatchObject({
      name: 'Ada',
      role: 'admin',
    });
  });

  const ends: [string, (id: string) => Promise<unknown>][] = [
    ['demote', (id) => identity.users.update({ id, role: 'member' })],
    ['deactivate', (id) => identity.users.update({ id, is_active: false })],
    ['remove', (id) => identity.users.remove(id)],
  ];

  it.each(ends)('is left when all admins %s themselves at once', async (_, end) => {
    const others = await Promise.all([1, 2, 3].map(() => identity.newUser({ tenant_id: admin.tenant_id })));
    const people = [admin, ...others];
    const results = await identity.race(
      admin,
      people.map((person) => () => person.as(() => end(person.id))),
    );
    expect(codes(results).sort()).toEqual(['last_admin', undefined, undefined, undefined]);
    const left = `select count(*)::integer as count from users
      where tenant_id = $1 and role = 'admin' and is_active and password_hash is not null`;
    expect(await identity.query(left, admin.tenant_id)).toEqual([{ count: 1 }]);
  });

  it.each(ends)(
    'is left when two admins %s each other in parallel: whoever comes second is none any more',
    async (_, end) => {
      for (let round = 0; round < 10; round++) {
        const one = await identity.newUser();
        const two = await identity.newUser({ tenant_id: one.tenant_id });
        const results = await Promise.allSettled([one.as(() => end(two.id)), two.as(() => end(one.id))]);
        expect(codes(results).filter(Boolean)).toEqual([expect.stringMatching(/^(forbidden|unauthenticated)$/)]);
      }
    },
  );

  it('that was takes no power back with what the gateway remembers of them', async () => {
    const demoted = await identity.newUser({ tenant_id: admin.tenant_id });
    await admin.as(() => identity.users.update({ id: demoted.id, role: 'viewer' }));
    const attempts: (() => Promise<object>)[] = [
      () => identity.users.update({ id: demoted.id, role: 'admin' }),
      () => identity.users.update({ id: admin.id, role: 'viewer' }),
      () => identity.invites.invite({ email: `${v7()}@example.com`, role: 'admin' }),
      () => identity.roles.create({ name: 'mine', permissions: ['*:*'] }),
      () => identity.apiKeys.create({ name: 'mine', scopes: ['*:*'] }),
    ];
    for (const attempt of attempts) await expect(demoted.as(attempt)).rejects.toEqual(problem('forbidden'));
    await admin.as(() => identity.users.update({ id: demoted.id, is_active: false }));
    for (const attempt of attempts) await expect(demoted.as(attempt)).rejects.toEqual(problem('unauthenticated'));
    await expect(demoted.as(() => identity.users.update({ id: demoted.id, is_active: true }))).rejects.toEqual(
      problem('unauthenticated'),
    );
  });
});

describe('nobody changes whoever may do more', () => {
  /** A role of the tenant with these permissions, whether or not routes ask for them; resolves to its name. */
  async function newRole(permissions: string[]): Promise<string> {
    const id = v7();
    const sql = 'insert into roles (tenant_id, id, name, permissions) values ($1, $2, $3, $4)';
    await identity.query(sql, admin.tenant_id, id, `role-${id}`, permissions);
    return `role-${id}`;
  }

  const table: [string[], string, boolean][] = [
    [['*:*'], 'admin', true],
    [['users:*'], 'admin', false],
    [['*:read'], 'viewer', true],
    [['*:read'], 'member', false],
    [['users:*', 'tasks:*', 'conversations:*', 'runs:*', 'files:*', '*:read'], 'member', true],
    [['users:*', 'tasks:*', 'conversations:*', 'runs:*', 'agents:read', 'tools:read'], 'member', false],
    [['users:*', 'tasks:*', 'conversations:*', 'runs:*', '*:read'], 'admin', false],
    [[], 'viewer', false],
  ];

  it.each(table)('%j over %s: %s', async (permissions, role, isAllowed) => {
    const { tenant_id } = admin;
    const caller = (await identity.newUser({ tenant_id, role: await newRole(permissions) })).may(...permissions);
    const outcome = (work: () => Promise<unknown>) =>
      caller.as(work).then(
        () => true,
        (error: { code: string }) => error.code,
      );
    const expected = isAllowed || 'forbidden';
    const [user, invited] = [
      await identity.newUser({ tenant_id, role }),
      await identity.newUser({ tenant_id, role, password_hash: null }),
    ];
    const target = await identity.newUser({ tenant_id, role: 'none-of-any-power' });

    // Whom they may change…
    expect(await outcome(() => identity.users.update({ id: user.id, name: 'Mallory' }))).toBe(expected);
    expect(await outcome(() => identity.invites.inviteAgain(invited.id))).toBe(expected);
    expect(await outcome(() => identity.users.update({ id: user.id, is_active: false }))).toBe(expected);
    expect(await outcome(() => identity.users.remove(user.id))).toBe(expected);
    // …and what they may make of others.
    expect(await outcome(() => identity.users.update({ id: target.id, role }))).toBe(expected);
    expect(await outcome(() => identity.invites.invite({ email: `${v7()}@example.com`, role }))).toBe(expected);
  });

  it('not even themselves', async () => {
    const user = (await member()).may('users:*');
    await expect(user.as(() => identity.users.update({ id: user.id, role: 'admin' }))).rejects.toEqual(
      problem('forbidden'),
    );
  });

  it('nor by a role of the tenant’s own', async () => {
    const { tenant_id } = admin;
    await admin.as(() => identity.roles.create({ name: 'boss', permissions: ['users:*', 'providers:*'] }));
    const boss = await identity.newUser({ tenant_id, role: 'boss' });
    const target = await identity.newUser({ tenant_id, role: 'none' });
    const weaker = (await identity.newUser({ tenant_id, role: await newRole(['users:*']) })).may('users:*');
    const peer = (await identity.newUser({ tenant_id, role: 'boss' })).may('users:*', 'providers:*');
    const give = () => identity.users.update({ id: target.id, role: 'boss' });
    await expect(weaker.as(() => identity.users.remove(boss.id))).rejects.toEqual(problem('forbidden'));
    await expect(weaker.as(give)).rejects.toEqual(problem('forbidden'));
    await expect(peer.as(give)).resolves.toMatchObject({ role: 'boss' });
    await peer.as(() => identity.users.remove(boss.id));
  });
});
