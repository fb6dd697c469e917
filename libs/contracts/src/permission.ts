import { publicMethods } from './catalog';

/** A permission that a route asks for, and the ones with `*` that cover it. */
function withWildcards(permission: string): string[] {
  const [resource, action] = permission.split(':');
  return [permission, `${resource}:*`, `*:${action}`, '*:*'];
}

const known: ReadonlySet<string> = new Set(
  publicMethods
    .map(({ method }) => method.access)
    .filter((access) => access.includes(':'))
    .flatMap(withWildcards),
);

/** Whether some route asks for the permission, or for one that it covers: nothing else can be granted. */
export const isKnownPermission = (permission: string): boolean => known.has(permission);
