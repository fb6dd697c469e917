import { catalog } from './catalog';
import { boundMethods, isInternal } from './contract';

/** A permission that a route asks for, and the ones with `*` that cover it. */
function withWildcards(permission: string): string[] {
  const [resource, action] = permission.split(':');
  return [permission, `${resource}:*`, `*:${action}`, '*:*'];
}

const known: ReadonlySet<string> = new Set(
  catalog
    .flatMap(boundMethods)
    .flatMap(({ method }) => (isInternal(method) ? [] : method.access))
    .filter((access) => access.includes(':'))
    .flatMap(withWildcards),
);

/** Whether some route asks for the permission, or for one that it covers: nothing else can be granted. */
export const isKnownPermission = (permission: string): boolean => known.has(permission);
