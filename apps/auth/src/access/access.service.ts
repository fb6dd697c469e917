import { Injectable } from '@nestjs/common';
import {
  ProblemError,
  type AccessChanges,
  type ByApiKey,
  type BySession,
  type ByUser,
  type ListAccessChanges,
  type Principal,
} from '@taai/contracts';
import { intersect, rolePermissions } from '@taai/rbac';
import { AccessRepository, type Holder } from './access.repository';
import { AccessTokens } from './access-token';
import { assertTenantActive } from '../tenant/tenant-status';

/** How many changes one answer carries at most. */
const MAX_CHANGES = 10_000;

/** Tells whom credentials stand for. Gateways cache the answers, and follow the changes. */
@Injectable()
export class AccessService {
  constructor(
    private readonly access: AccessRepository,
    private readonly tokens: AccessTokens,
  ) {}

  /** Throws `unauthenticated`, `tenant_suspended`. */
  async session({ tenant_id, session_id }: BySession): Promise<Principal> {
    const holder = admitted(await this.access.sessionHolder(tenant_id, session_id));
    return principalOf(holder, { session_id, api_key_id: null }, permissionsOf(holder));
  }

  /** Resolves to the key's principal: its scopes, as far as its creator has them now. Throws `unauthenticated`, `tenant_suspended`. */
  async apiKey({ key_hash }: ByApiKey): Promise<Principal> {
    const ref = await this.access.findKey(key_hash);
    const holder = admitted(ref && (await this.access.keyHolder(ref)));
    const { api_key_id, scopes } = holder;
    return principalOf(holder, { session_id: null, api_key_id }, intersect(scopes, permissionsOf(holder)));
  }

  /** Resolves to a user of the caller's tenant. Throws `unauthenticated`, `tenant_suspended`. */
  async user(input: ByUser): Promise<Principal> {
    const holder = admitted(await this.access.userHolder(input));
    const allowed = permissionsOf(holder);
    const permissions = holder.scopes ? intersect(holder.scopes, allowed) : allowed;
    return principalOf(holder, { session_id: null, api_key_id: input.api_key_id }, permissions);
  }

  async changes({ seconds }: ListAccessChanges): Promise<AccessChanges> {
    const changes = await this.access.changes(seconds, MAX_CHANGES);
    const key_ids = this.tokens.published().map(({ kid }) => kid);
    return { changes, is_cut: changes.length === MAX_CHANGES, key_ids };
  }
}

function admitted<H extends Holder>(holder: H | undefined): H {
  if (!holder) throw new ProblemError('unauthenticated', 'The session or API key has ended.');
  assertTenantActive(holder.tenant_status);
  return holder;
}

const principalOf = (
  { tenant_id, user_id, role, expires_at, limits }: Holder,
  credential: Pick<Principal, 'session_id' | 'api_key_id'>,
  permissions: string[],
): Principal => ({ tenant_id, user_id, ...credential, role, permissions, expires_at, limits });

/** Returns the permissions of a role, be it a tenant's own or a built-in one. */
export const permissionsOf = ({ role, role_permissions }: Pick<Holder, 'role' | 'role_permissions'>): string[] =>
  role_permissions ?? [...(rolePermissions[role] ?? [])];
