import { Injectable } from '@nestjs/common';
import type { AccessChange, ByUser, TenantLimits, TenantStatus } from '@taai/contracts';
import { RlsPool, sql, type Tx } from '@taai/entities';
import type { Caller } from '@taai/tenant';
import { DataSource } from 'typeorm';

/** The user of a credential that has not ended, with all that decides what they may do. */
export interface Holder {
  tenant_id: string;
  user_id: string;
  role: string;
  /** The permissions of the tenant's own role; null for a built-in role. */
  role_permissions: string[] | null;
  tenant_status: TenantStatus;
  limits: TenantLimits;
  expires_at: Date | null;
}

interface KeyHolder extends Holder {
  api_key_id: string;
  scopes: string[];
}

/** A user with the scopes of the API key that they came with; null without a key, when they may do all that their role allows. */
interface UserHolder extends Holder {
  scopes: string[] | null;
}

interface KeyRef {
  tenant_id: string;
  id: string;
}

const holder = `
  u.tenant_id, u.id as user_id, u.role, r.permissions as role_permissions, t.status as tenant_status,
  p.limits || coalesce(c.limits, '{}') as limits`;
/** A tenant without a subscription has the plan of its own row. */
const holderJoins = `
  join tenants t on t.id = u.tenant_id left join roles r on r.tenant_id = u.tenant_id and r.name = u.role
  left join subscriptions c on c.tenant_id = u.tenant_id and c.status <> 'ended'
  join plans p on p.id = coalesce(c.plan_id, t.plan_id)`;

const SESSION = sql(`
  select ${holder}, s.expires_at
  from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id ${holderJoins}
  where s.id = $1 and s.revoked_at is null and s.expires_at > now() and u.is_active`);

/** The time of use is written once a minute at most, so that a key that is often used is no row that is often written. */
const API_KEY = sql(`
  with used as (
    update api_keys set last_used_at = now()
    where id = $1 and revoked_at is null and (last_used_at is null or last_used_at < now() - interval '1 minute')
  )
  select ${holder}, k.id as api_key_id, k.scopes, k.expires_at
  from api_keys k join users u on u.tenant_id = k.tenant_id and u.id = k.created_by ${holderJoins}
  where k.id = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and u.is_active`);

/** $1 is the user, $2 the API key that they came with, or null. */
const USER = sql(`
  select ${holder}, k.scopes, k.expires_at
  from users u ${holderJoins}
  left join api_keys k on k.tenant_id = u.tenant_id and k.id = $2 and k.created_by = u.id
    and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
  where u.id = $1 and u.is_active and ($2::uuid is null or k.id is not null)`);

/** $1 is the user, $2 the session or null, $3 the API key or null. */
const CALLER = sql(`
  select u.role, r.permissions as role_permissions
  from users u left join roles r on r.tenant_id = u.tenant_id and r.name = u.role
  where u.id = $1 and u.is_active
    and ($2::uuid is null or exists (
      select from sessions s where s.id = $2 and s.user_id = u.id and s.revoked_at is null and s.expires_at > now()))
    and ($3::uuid is null or exists (
      select from api_keys k where k.id = $3 and k.created_by = u.id and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now())))`);

const FIND_KEY = sql('select tenant_id, id from find_api_key($1)');

const CHANGES = sql('select kind, id from recent_access_changes($1, $2)');

/** Reads who a credential stands for. It works for no caller, because it decides who the caller is. */
@Injectable()
export class AccessRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Resolves to undefined when the session has ended, or its user may not log in any more. */
  async sessionHolder(tenant_id: string, id: string): Promise<Holder | undefined> {
    const [found] = await this.rls.queryFor<Holder>(tenant_id, SESSION, [id]);
    return found;
  }

  /** Resolves to undefined for a hash that no key has. */
  async findKey(hash: string): Promise<KeyRef | undefined> {
    const [ref] = await this.db.query<KeyRef[]>(FIND_KEY, [hash]);
    return ref;
  }

  /** Resolves to undefined when the key has ended, or its creator may not log in any more. */
  async keyHolder({ tenant_id, id }: KeyRef): Promise<KeyHolder | undefined> {
    const [found] = await this.rls.queryFor<KeyHolder>(tenant_id, API_KEY, [id]);
    return found;
  }

  /** Resolves to undefined when the user may not log in any more, or the key has ended or is not theirs. */
  async userHolder({ user_id, api_key_id }: ByUser): Promise<UserHolder | undefined> {
    const [found] = await this.rls.read<UserHolder>(USER, [user_id, api_key_id]);
    return found;
  }

  /** Resolves to the role that the caller has at this moment; undefined when their user, session or API key is not living any more. */
  async callerNow(
    tx: Tx,
    { user_id, session_id, api_key_id }: Caller,
  ): Promise<Pick<Holder, 'role' | 'role_permissions'> | undefined> {
    const ids = [user_id ?? null, session_id ?? null, api_key_id ?? null];
    const [found] = await tx.read<Pick<Holder, 'role' | 'role_permissions'>>(CALLER, ids);
    return found;
  }

  /** Resolves to the changes of the last `seconds`, of all tenants, each once, `limit` at most. */
  changes(seconds: number, limit: number): Promise<AccessChange[]> {
    return this.db.query<AccessChange[]>(CHANGES, [seconds, limit]);
  }
}
