import { publicMethods } from './catalog';
import { isKnownPermission, permissions } from './permission';

describe('isKnownPermission', () => {
  it.each(['tasks:create', 'tasks:*', '*:read', '*:*', 'api_keys:delete', 'roles:update', 'users:read'])(
    '%s is one',
    (permission) => expect(isKnownPermission(permission)).toBe(true),
  );

  it.each([
    '',
    '*',
    ':',
    'tasks',
    'tasks:',
    ':read',
    'tasks:fly',
    'dragons:read',
    'dragons:*',
    '*:fly',
    '**:read',
    'tasks:read:all',
    'tasks:read ',
    'TASKS:read',
    'task*:read',
    'public',
    'session',
    'constructor:*',
    '__proto__',
  ])('%j is none', (permission) => expect(isKnownPermission(permission)).toBe(false));
});

describe('permissions', () => {
  it("are those that routes ask for, and those that open everybody's things, each with a sentence", () => {
    const asked = publicMethods.map(({ method }) => method.access).filter((access) => access.includes(':'));
    const openers = ['conversations:read_any', 'conversations:manage_any'];
    openers.push('files:read_any', 'files:manage_any');
    openers.push('runs:read_any', 'runs:manage_any', 'runs:approve_any');
    expect(Object.keys(permissions).sort()).toEqual([...new Set([...asked, ...openers])].sort());
    for (const sentence of Object.values(permissions)) expect(sentence).toMatch(/^[A-Z].+\.$/);
  });
});
