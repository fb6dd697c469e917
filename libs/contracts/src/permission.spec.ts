import { isKnownPermission } from './permission';

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
