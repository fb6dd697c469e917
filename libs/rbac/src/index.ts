import { isInternal, ProblemError, type Method } from '@taai/contracts';
import type { Caller } from '@taai/tenant';
import { assertPermitted, permits } from './permits';

export * from './permits';
export * from './private';

const reads = [
  'tasks',
  'conversations',
  'runs',
  'files',
  'agents',
  'tools',
  'usage',
  'jobs',
  'providers',
  'webhooks',
  'users',
  'roles',
  'tenant',
];
const viewer = reads.map((noun) => `${noun}:read`);

/**
 * What the built-in roles may do. `viewer` reads all but the audit log, API keys, credentials and billing, and of conversations, runs and
 * files what is shared; `member` may do that too, works on tasks, conversations and runs, keeps files, and
 * deletes what is their own alone: conversations and files.
 */
export const rolePermissions: Readonly<Record<string, readonly string[]>> = {
  admin: ['*:*'],
  member: [
    ...viewer,
    ...['tasks', 'conversations', 'runs'].flatMap((noun) => [`${noun}:create`, `${noun}:update`]),
    'conversations:delete',
    'files:create',
    'files:delete',
  ],
  viewer,
};

/** Whether whoever holds `granted` may hand out `wanted`: each of it lies within one of theirs, wildcards included. */
export const covers = (granted: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((permission) => permits(granted, permission));

/** What both lists allow: `tasks:*` and `*:read` leave `tasks:read`. */
export function intersect(these: readonly string[], those: readonly string[]): string[] {
  const common = these.flatMap((one) => those.flatMap((other) => meet(one, other) ?? []));
  return [...new Set(common)];
}

function meet(one: string, other: string): string | undefined {
  const [resource, action] = one.split(':');
  const [otherResource, otherAction] = other.split(':');
  const r = narrower(resource, otherResource);
  const a = narrower(action, otherAction);
  return r && a && `${r}:${a}`;
}

const narrower = (one: string | undefined, other: string | undefined) =>
  one === '*' ? other : other === '*' || one === other ? one : undefined;

/**
 * The one access check, made by the gateway before it sends a call and by the service before it answers one.
 * Throws `unauthenticated` without a caller where one is needed, `forbidden` when the caller may not.
 */
export function authorize(method: Method, caller: Caller | undefined): void {
  if (!isInternal(method) && method.access === 'public') return;
  if (!caller) throw new ProblemError('unauthenticated');
  if (isInternal(method)) {
    if (!method.callers.includes(caller.issuer))
      throw new ProblemError('forbidden', 'The method is internal to the fleet.');
    return;
  }
  if (method.access === 'authenticated') return;
  if (method.access === 'session') {
    if (!caller.session_id)
      throw new ProblemError('forbidden', 'This needs a user who has logged in: an API key will not do.');
    return;
  }
  assertPermitted(caller, method.access);
}
