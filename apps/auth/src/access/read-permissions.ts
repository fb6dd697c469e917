import { isKnownPermission, ProblemError } from '@taai/contracts';

/** Permissions as given, each once. Throws `validation_failed` with the path of each that no route asks for. */
export function readPermissions(field: string, permissions: readonly string[]): string[] {
  const message = 'is no permission that a route asks for';
  const errors = permissions.flatMap((permission, index) =>
    isKnownPermission(permission) ? [] : [{ path: `${field}.${index}`, message }],
  );
  if (errors.length > 0) {
    throw new ProblemError('validation_failed', errors.map(({ path }) => `${path} ${message}`).join('; '), { errors });
  }
  return [...new Set(permissions)];
}
