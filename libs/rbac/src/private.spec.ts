import type { ConversationRole } from '@taai/contracts';
import type { Caller } from '@taai/tenant';
import { openPrivate, rolePermissions, scopeOf, type Openers } from './index';

const openers: Openers = { read: 'runs:read_any', manage: 'runs:manage_any' };

const caller = (permissions: readonly string[], issuer: Caller['issuer'] = 'gateway'): Caller => ({
  tenant_id: '0190a000-0000-7000-8000-000000000000',
  user_id: '0190a000-0000-7000-8000-000000000001',
  permissions,
  issuer,
});

const open = (role: ConversationRole | null, wanted: ConversationRole, permissions: readonly string[] = []) => {
  try {
    return openPrivate(caller(permissions), { noun: 'run', role }, wanted, openers) ?? 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("what is somebody's", () => {
  it.each([
    [null, ['not_found', 'not_found', 'not_found']],
    ['reader', ['ok', 'forbidden', 'forbidden']],
    ['writer', ['ok', 'ok', 'forbidden']],
    ['owner', ['ok', 'ok', 'ok']],
  ] as const)('is open to its %s as reader, writer and owner: %j', (role, expected) => {
    expect((['reader', 'writer', 'owner'] as const).map((wanted) => open(role, wanted))).toEqual(expected);
  });

  it.each([
    [['runs:*'], ['runs:read_any', 'runs:manage_any']],
    [['*:*'], ['runs:read_any', 'runs:manage_any']],
    [['runs:read_any'], ['runs:read_any', 'forbidden']],
    [['runs:manage_any'], ['not_found', 'runs:manage_any']],
    [
      ['*:read', 'runs:read', 'runs:update', 'conversations:read_any'],
      ['not_found', 'not_found'],
    ],
    [rolePermissions['member'] ?? [], ['not_found', 'not_found']],
  ] as const)('is opened to strangers by %j: %j', (permissions, expected) => {
    expect([open(null, 'reader', permissions), open(null, 'owner', permissions)]).toEqual(expected);
  });

  it('is open to services, whose own work it is', () => {
    const own = openPrivate(caller([], 'chat'), { noun: 'run', role: null }, 'owner', openers);
    expect([own, scopeOf(caller([], 'chat'), 'runs:read_any')]).toEqual([undefined, undefined]);
  });
});

describe('lists', () => {
  it("show a user's own, or everybody's by permission", () => {
    const { user_id } = caller([]);
    expect(scopeOf(caller(['runs:read', '*:read']), 'runs:read_any')).toBe(user_id);
    expect(scopeOf(caller(['*:*']), 'runs:read_any')).toBeUndefined();
  });

  it('show nothing to callers without a user', () => {
    const { tenant_id, permissions, issuer } = caller([]);
    expect(scopeOf({ tenant_id, permissions, issuer }, 'runs:read_any')).toBe('00000000-0000-0000-0000-000000000000');
  });
});

it('a member may do all that a viewer may', () => {
  expect(rolePermissions['member']).toEqual(expect.arrayContaining([...(rolePermissions['viewer'] ?? ['none'])]));
});
