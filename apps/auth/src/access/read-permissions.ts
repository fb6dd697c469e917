import { invalidFields, isKnownPermission } from '@taai/contracts';

/** Returns the permissions, each once. Throws `validation_failed` with the path of each that no route asks for. */
export function readPermissions(field: string, permissions: readonly string[]): string[] {
  const message = 'is no permission that a route asks for';
  const errors = permissions.flatMap((permission, index) =>
    isKnownPermission(permission) ? [] : [{ path: `${field}.${index}`, message }],
  );
  if (errors.length > 0) throw invalidFields(errors);
  return [...new Set(permissions)];
}
