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
    const { user_id, role, expires_at } = holder;
    return { tenant_id, user_id, session_id, api_key_id: null, role, permissions: permissionsOf(holder), expires_at };
  }

  /** Resolves to the key's principal: its scopes, as far as its creator has them now. Throws `unauthenticated`, `tenant_suspended`. */
  async apiKey({ key_hash }: ByApiKey): Promise<Principal> {
    const ref = await this.access.findKey(key_hash);
    const holder = admitted(ref && (await this.access.keyHolder(ref)));
    const { tenant_id, user_id, api_key_id, scopes, role, expires_at } = holder;
    const permissions = intersect(scopes, permissionsOf(holder));
    return { tenant_id, user_id, session_id: null, api_key_id, role, permissions, expires_at };
  }

  /** Resolves to a user of the caller's tenant. Throws `unauthenticated`, `tenant_suspended`. */
  async user(input: ByUser): Promise<Principal> {
    const holder = admitted(await this.access.userHolder(input));
    const { tenant_id, user_id, scopes, role, expires_at } = holder;
    const allowed = permissionsOf(holder);
    const permissions = scopes ? intersect(scopes, allowed) : allowed;
    return { tenant_id, user_id, session_id: null, api_key_id: input.api_key_id, role, permissions, expires_at };
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

/** Returns the permissions of a role, be it a tenant's own or a built-in one. */
export const permissionsOf = ({ role, role_permissions }: Pick<Holder, 'role' | 'role_permissions'>): string[] =>
  role_permissions ?? [...(rolePermissions[role] ?? [])];
