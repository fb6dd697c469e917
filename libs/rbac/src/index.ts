import { isPublic, ProblemError, type Method } from '@taai/contracts';
import type { Caller } from '@taai/tenant';

/** What the built-in roles may do. `viewer` reads all but the audit log, API keys, credentials and billing. */
export const rolePermissions: Readonly<Record<string, readonly string[]>> = {
  admin: ['*:*'],
  member: [
    ...['tasks', 'conversations', 'runs'].flatMap((noun) => [`${noun}:create`, `${noun}:read`, `${noun}:update`]),
    'agents:read',
    'tools:read',
    'usage:read',
  ],
  viewer: [
    'tasks',
    'conversations',
    'runs',
    'agents',
    'tools',
    'usage',
    'providers',
    'webhooks',
    'users',
    'roles',
    'tenant',
  ].map((noun) => `${noun}:read`),
};

/** Whether one of `granted` covers `needed`; `*` stands for every resource or every action. */
export function permits(granted: readonly string[], needed: string): boolean {
  const [resource, action] = needed.split(':');
  return granted.some((permission) => {
    const [r, a] = permission.split(':');
    return (r === '*' || r === resource) && (a === '*' || a === action);
  });
}

/**
 * The one access check, made by the gateway before it sends a call and by the service before it answers one.
 * Throws `unauthenticated` without a caller where one is needed, `forbidden` when the caller may not.
 */
export function authorize(method: Method, caller: Caller | undefined): void {
  if (isPublic(method) && method.access === 'public') return;
  if (!caller) throw new ProblemError('unauthenticated');
  if (!isPublic(method)) {
    if (!method.callers.includes(caller.issuer))
      throw new ProblemError('forbidden', 'The method is internal to the fleet.');
    return;
  }
  if (method.access !== 'authenticated' && !permits(caller.permissions, method.access)) {
    throw new ProblemError('forbidden', `The permission ${method.access} is needed.`);
  }
}
