import { v7 } from 'uuid';
import { RoleHandler } from './role.handler';
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

const create = (name: string, permissions = ['tasks:read']) =>
  admin.as(() => identity.roles.create({ name, permissions }));
const idOf = ({ id }: { id: string | null }) => id ?? '';

describe('roles', () => {
  it('are listed page by page: the built-in ones with what they may do, then the tenant’s own, oldest first', async () => {
    const own = [await create('auditor', ['*:read']), await create('accountant')];
    const all = await admin.as(() => identity.roles.list({ limit: 20 }));
    expect(all.data.map(({ name, is_builtin }) => [name, is_builtin])).toEqual([
      ['admin', true],
      ['member', true],
      ['viewer', true],
      ['auditor', false],
      ['accountant', false],
    ]);
    expect(all.data[0]).toEqual({
      id: null,
      name: 'admin',
      description: null,
      permissions: ['*:*'],
      is_builtin: true,
      created_at: null,
      updated_at: null,
    });
    expect(all.data.slice(3)).toEqual(own);

    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await admin.as(() => identity.roles.list({ limit: 2, ...(cursor && { cursor }) }));
      names.push(...page.data.map(({ name }) => name));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(names).toEqual(all.data.map(({ name }) => name));
  });

  it.each(['nonsense', Buffer.from('[1]').toString('base64url'), Buffer.from('["a","b"]').toString('base64url')])(
    'are not listed after the cursor %s',
    async (cursor) => {
      await expect(admin.as(() => identity.roles.list({ cursor, limit: 20 }))).rejects.toEqual(
        problem('invalid_cursor'),
      );
    },
  );

  it('are created and changed, which is audited, and seen by every gateway', async () => {
    const role = await admin.as(() =>
      identity.roles.create({ name: 'lead', description: 'Leads', permissions: ['tasks:*', 'tasks:*', 'users:read'] }),
    );
    expect(role).toMatchObject({ name: 'lead', description: 'Leads', permissions: ['tasks:*', 'users:read'] });
    expect(await identity.accessChanges(admin)).toEqual([]);
    const id = idOf(role);
    const changed = await admin.as(() => identity.roles.update({ id, description: null, permissions: ['*:read'] }));
    expect(changed).toMatchObject({ id, name: 'lead', description: null, permissions: ['*:read'] });
    expect((await admin.as(() => identity.roles.list({ limit: 20 }))).data.at(-1)).toEqual(changed);
    expect(await identity.accessChanges(admin)).toEqual([{ kind: 'tenant', id: admin.tenant_id }]);
    expect(await identity.audited(admin)).toMatchObject([
      { action: 'role.created', target_id: id, after: { name: 'lead', permissions: ['tasks:*', 'users:read'] } },
      {
        action: 'role.updated',
        target_id: id,
        before: { description: 'Leads' },
        after: { description: null, permissions: ['*:read'] },
      },
    ]);
  });

  it('take their users along when they are renamed', async () => {
    const role = await create('before');
    const { tenant_id } = admin;
    const stranger = await identity.newUser();
    await stranger.as(() => identity.roles.create({ name: 'before', permissions: ['tasks:read'] }));
    const [user, foreigner] = [
      await identity.newUser({ tenant_id, role: 'before' }),
      await identity.newUser({ tenant_id: stranger.tenant_id, role: 'before' }),
    ];
    await admin.as(() => identity.roles.update({ id: idOf(role), name: 'after' }));
    expect(await admin.as(() => identity.users.get(user.id))).toMatchObject({ role: 'after' });
    expect(await stranger.as(() => identity.users.get(foreigner.id))).toMatchObject({ role: 'before' });
  });

  it('are deleted when nobody has them', async () => {
    const id = idOf(await create('spare'));
    const { id: user } = await identity.newUser({ tenant_id: admin.tenant_id, role: 'spare' });
    const remove = () => admin.as(() => identity.roles.remove(id));
    await expect(remove()).rejects.toEqual(problem('conflict'));
    await admin.as(() => identity.users.update({ id: user, role: 'viewer' }));
    await remove();
    expect((await identity.accessChanges(admin)).at(-1)).toEqual({ kind: 'tenant', id: admin.tenant_id });
    expect((await identity.audited(admin)).at(-1)).toMatchObject({ action: 'role.deleted', before: { name: 'spare' } });
    await expect(remove()).rejects.toEqual(problem('not_found'));
  });

  it('are not deleted and given at once', async () => {
    const id = idOf(await create('contested'));
    const results = await identity.race<unknown>(admin, [
      () => admin.as(() => identity.roles.remove(id)),
      () => admin.as(() => identity.invites.invite({ email: `${v7()}@example.com`, role: 'contested' })),
    ]);
    expect([
      [undefined, 'validation_failed'],
      ['conflict', undefined],
    ]).toContainEqual(codes(results));
  });

  it('have names of their own within a tenant, other than the built-in ones', async () => {
    const other = await identity.newUser();
    await other.as(() => identity.roles.create({ name: 'lead', permissions: ['tasks:read'] }));
    await create('lead');
    const id = idOf(await create('spare'));
    for (const name of ['lead', 'admin', 'member', 'viewer']) {
      await expect(create(name)).rejects.toEqual(problem('slug_taken'));
      await expect(admin.as(() => identity.roles.update({ id, name }))).rejects.toEqual(problem('slug_taken'));
    }
    await expect(create('constructor')).resolves.toMatchObject({ name: 'constructor' });
  });

  it('are created once per Idempotency-Key', async () => {
    const handler = new RoleHandler(identity.roles);
    const again = () => admin.as(() => handler.create({ name: 'once', permissions: ['tasks:read'] }), 'key');
    expect((await again()).id).toBe((await again()).id);
  });

  it('are at most 50, even when many are created at once', async () => {
    await identity.query(
      `insert into roles (tenant_id, id, name, permissions)
       select $1, gen_random_uuid(), 'role-' || n, '{}' from generate_series(1, 48) n`,
      admin.tenant_id,
    );
    const results = await identity.race(
      admin,
      [1, 2, 3, 4].map((n) => () => create(`late-${n}`)),
    );
    expect(codes(results).sort()).toEqual(['conflict', 'conflict', undefined, undefined]);
  });

  it('grant nothing that no route asks for', async () => {
    const id = idOf(await create('lead'));
    const permissions = ['tasks:read', 'tasks:fly', '*:read', 'dragons:*'];
    const refused = {
      code: 'validation_failed',
      status: 400,
      extras: { errors: [{ path: 'permissions.1' }, { path: 'permissions.3' }] },
    };
    await expect(create('wild', permissions)).rejects.toMatchObject(refused);
    await expect(admin.as(() => identity.roles.update({ id, permissions }))).rejects.toMatchObject(refused);
  });

  it("of another tenant are as those that don't exist", async () => {
    const other = await identity.newUser();
    const foreign = await other.as(() => identity.roles.create({ name: 'lead', permissions: ['tasks:read'] }));
    for (const id of [idOf(foreign), v7()]) {
      const absent = { code: 'not_found', message: 'There is no such role.' };
      await expect(admin.as(() => identity.roles.update({ id, name: 'mine' }))).rejects.toMatchObject(absent);
      await expect(admin.as(() => identity.roles.remove(id))).rejects.toMatchObject(absent);
    }
    expect((await admin.as(() => identity.roles.list({ limit: 20 }))).data).toHaveLength(3);
  });
});

describe('nobody makes a role that may do more than they', () => {
  it.each([
    [['*:*'], ['*:*'], true],
    [['roles:*', 'tasks:*'], ['tasks:read', 'tasks:create'], true],
    [['roles:*', 'tasks:*'], ['tasks:*'], true],
    [['roles:*', 'tasks:read'], ['tasks:*'], false],
    [['roles:*', 'tasks:read'], ['*:read'], false],
    [['*:read'], ['*:read'], true],
    [['*:read'], ['*:*'], false],
    [['roles:*'], ['roles:*', 'users:delete'], false],
  ])('%j, %j: %s', async (own, permissions, isAllowed) => {
    const caller = admin.may(...own);
    const outcome = (work: () => Promise<unknown>) =>
      caller.as(work).then(
        () => true,
        (error: { code: string }) => error.code,
      );
    const expected = isAllowed || 'forbidden';
    const weak = idOf(await create('weak', [own[0] ?? '']));
    const strong = idOf(await create('strong', permissions));

    expect(await outcome(() => identity.roles.create({ name: 'new', permissions }))).toBe(expected);
    expect(await outcome(() => identity.roles.update({ id: weak, permissions }))).toBe(expected);
    // Nor do they take from one that may.
    expect(await outcome(() => identity.roles.update({ id: strong, permissions: own }))).toBe(expected);
    expect(await outcome(() => identity.roles.remove(strong))).toBe(expected);
  });
});
