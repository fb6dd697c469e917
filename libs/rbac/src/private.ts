import { notFound, ProblemError, type ConversationRole, type Permission } from '@taai/contracts';
import type { Caller } from '@taai/tenant';
import { permits } from './permits';

/** The permissions that open what is somebody else's: to look at it, and to work on it. */
export interface Openers {
  read: Permission;
  manage: Permission;
}

/** Something that belongs to somebody. */
export interface Private {
  /** For the refusal: `conversation`. */
  noun: string;
  /** What the caller is to it; null: nothing. */
  role: ConversationRole | null;
}

const rank = { reader: 1, writer: 2, owner: 3 } as const satisfies Record<ConversationRole, number>;

/** A service's own work: it was asked for by somebody who might, or by nobody. */
const isService = ({ issuer }: Caller): boolean => issuer !== 'gateway';

/**
 * Lets callers have what is theirs or shared with them as much as `wanted`. Resolves to the permission by which they have what is not, to
 * be audited. Throws `not_found` for what the caller does not see, and `forbidden` for what they may not do with what they see.
 */
export function openPrivate(
  caller: Caller,
  { noun, role }: Private,
  wanted: ConversationRole,
  openers: Openers,
): Permission | undefined {
  if (isService(caller) || (role && rank[role] >= rank[wanted])) return undefined;
  const opener = wanted === 'reader' ? openers.read : openers.manage;
  if (permits(caller.permissions, opener)) return opener;
  if (role || permits(caller.permissions, openers.read))
    throw new ProblemError('forbidden', `Only the ${wanted} of the ${noun}, or who holds ${opener}, may do this.`);
  throw notFound(noun);
}

/** Whose things a list may show: a user's alone, or everybody's (undefined). Nobody has the empty id of callers without a user. */
export const scopeOf = (caller: Caller, opener: Permission): string | undefined =>
  isService(caller) || permits(caller.permissions, opener) ? undefined : (caller.user_id ?? NOBODY);

const NOBODY = '00000000-0000-0000-0000-000000000000';
