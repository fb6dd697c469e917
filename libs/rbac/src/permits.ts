import { ProblemError } from '@taai/contracts';
import type { Caller } from '@taai/tenant';

/** Whether one of `granted` covers `needed`; `*` stands for every resource or every action. */
export function permits(granted: readonly string[], needed: string): boolean {
  // Most callers hold just this, or all: that is seen without taking permissions apart.
  if (granted.includes('*:*') || granted.includes(needed)) return true;
  const [resource, action] = needed.split(':');
  return granted.some((permission) => {
    const [r, a] = permission.split(':');
    return (r === '*' || r === resource) && (a === '*' || a === action);
  });
}

/** Throws `forbidden`, which names the permission. */
export function assertPermitted({ permissions }: Caller, needed: string): void {
  if (!permits(permissions, needed)) throw new ProblemError('forbidden', `The permission ${needed} is needed.`);
}
