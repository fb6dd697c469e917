import { authContract, bind, completionContract, runContract, taskContract } from '@taai/contracts';
import type { Caller } from '@taai/tenant';
import { authorize, covers, intersect, permits, rolePermissions } from './index';

const caller = (permissions: readonly string[], issuer: Caller['issuer'] = 'gateway'): Caller => ({
  tenant_id: '0190a000-0000-7000-8000-000000000000',
  permissions,
  issuer,
});

describe('permits', () => {
  it.each([
    [['*:*'], 'tasks:delete', true],
    [['tasks:*'], 'tasks:delete', true],
    [['*:read'], 'audit_logs:read', true],
    [['tasks:read'], 'tasks:read', true],
    [['tasks:read'], 'tasks:create', false],
    [['tasks:*'], 'tools:read', false],
    [['*:read'], 'tasks:update', false],
    [[], 'tasks:read', false],
    [['tasks'], 'tasks:read', false],
  ])('%j %s: %s', (granted, needed, expected) => {
    expect(permits(granted, needed)).toBe(expected);
  });
});

describe('covers', () => {
  it.each([
    [['*:*'], ['*:*', 'tasks:*'], true],
    [['tasks:*'], ['tasks:read'], true],
    [['tasks:*'], ['tasks:read', 'agents:read'], false],
    [['tasks:read'], ['tasks:*'], false],
    [['*:read'], ['*:*'], false],
    [['*:read'], ['*:read'], true],
    [[], [], true],
  ])('%j %j: %s', (granted, wanted, expected) => {
    expect(covers(granted, wanted)).toBe(expected);
  });
});

describe('intersect', () => {
  it.each([
    [['tasks:*'], ['*:read'], ['tasks:read']],
    [['*:*'], ['tasks:create', 'agents:*'], ['tasks:create', 'agents:*']],
    [['tasks:read', 'tasks:*'], ['tasks:read'], ['tasks:read']],
    [['tasks:read'], ['tasks:create'], []],
    [['tasks:read'], ['agents:read'], []],
    [[], ['*:*'], []],
  ])('%j %j: %j', (these, those, expected) => {
    expect(intersect(these, those)).toEqual(expected);
    expect(intersect(those, these)).toEqual(expected);
  });
});

describe('rolePermissions', () => {
  it.each([
    ['member', 'tasks:create', true],
    ['member', 'tasks:delete', false],
    ['member', 'conversations:delete', true],
    ['viewer', 'conversations:delete', false],
    ['member', 'agents:read', true],
    ['member', 'agents:create', false],
    ['viewer', 'tasks:read', true],
    ['viewer', 'runs:create', false],
    ['viewer', 'audit_logs:read', false],
    ['viewer', 'api_keys:read', false],
    ['admin', 'providers:delete', true],
  ])('%s %s: %s', (role, permission, expected) => {
    expect(permits(rolePermissions[role] ?? [], permission)).toBe(expected);
  });
});

describe('authorize', () => {
  const create = bind(taskContract, 'create').method;
  const me = bind(authContract, 'me').method;
  const login = bind(authContract, 'login').method;
  const startFor = bind(runContract, 'startFor').method;

  it('asks nothing on public methods', () => {
    expect(() => authorize(login, undefined)).not.toThrow();
  });

  it('asks for a caller, and for the permission of the method', () => {
    expect(() => authorize(me, undefined)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
    expect(() => authorize(me, caller([]))).not.toThrow();
    expect(() => authorize(create, caller(['tasks:read']))).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => authorize(create, caller(['tasks:create']))).not.toThrow();
  });

  it('asks for the permission of methods whose routes are those of dialects', () => {
    const stream = bind(completionContract, 'stream').method;
    expect(() => authorize(stream, undefined)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
    expect(() => authorize(stream, caller(['agents:read']))).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => authorize(stream, caller(['runs:create']))).not.toThrow();
  });

  it('lets only the named services call internal methods, whatever the permissions', () => {
    expect(() => authorize(startFor, caller(['*:*'], 'gateway'))).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(() => authorize(startFor, caller([], 'chat'))).not.toThrow();
  });
});
