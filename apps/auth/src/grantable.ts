import { isKnownPermission, ProblemError } from '@taai/contracts';
import { covers } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';

/**
 * What the caller wants to hand out, each once. Throws `validation_failed` with the path of each that no route asks for, and
 * `forbidden` for more than the caller's own.
 */
export function grantable(field: string, permissions: readonly string[]): string[] {
  const message = 'is no permission that a route asks for';
  const errors = permissions.flatMap((permission, index) =>
    isKnownPermission(permission) ? [] : [{ path: `${field}.${index}`, message }],
  );
  if (errors.length > 0) {
    throw new ProblemError('validation_failed', errors.map(({ path }) => `${path} ${message}`).join('; '), { errors });
  }
  assertCovered(permissions);
  return [...new Set(permissions)];
}

/** Throws `forbidden` unless the caller may do all of `permissions`: nobody hands out, or takes away, more than they have. */
export function assertCovered(permissions: readonly string[]): void {
  if (covers(currentCaller().permissions, permissions)) return;
  throw new ProblemError('forbidden', 'That takes permissions which the caller does not have.');
}
