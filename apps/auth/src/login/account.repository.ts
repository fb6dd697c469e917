import { Injectable } from '@nestjs/common';
import { notFound, type Registered, type Tenant, type TenantStatus, type User, type UserStatus } from '@taai/contracts';
import { sql, TenantEntity, UserEntity, withTenant, withTenantId, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { NIL, v7 } from 'uuid';
import { explainTakenEmail } from '../registration/email';

/** What a new tenant and its first user start with. */
export interface NewAccount {
  tenant_name: string;
  /** Canonical. */
  email: string;
  name: string | null;
  password_hash: string;
}

/** A user who may log in if the tenant may, with what the password is checked against. */
export interface Account {
  user: User;
  password_hash: string;
  tenant_status: TenantStatus;
}

type AccountRow = UserRow & { tenant_status: TenantStatus };

interface Login {
  tenant_id: string;
  user_id: string;
}

/** Nothing is returned: from then on the subscription is the usage service's. */
const SUBSCRIBE = sql(
  'insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $2, $3, $4)',
);

const FIND_LOGIN = sql('select tenant_id, user_id from find_login($1)');

const FIND = sql(`
  select u.id, u.tenant_id, u.email, u.name, u.role, u.created_at, u.last_login_at, u.password_hash, u.is_active,
    t.status as tenant_status
  from users u join tenants t on t.id = u.tenant_id where u.id = $1`);

const DROP_INVITED = sql(`
  with dropped as (
    delete from users u
    where u.id = $1 and u.password_hash is null and not exists (
      select from one_time_tokens t where t.user_id = u.id and t.kind = 'invite' and t.used_at is null and t.expires_at > now()
    ) returning u.id
  ) select id from dropped`);

/** Any hash is replaced when $3 is null, else that one alone. */
const REPLACE_HASH = sql(`
  with replaced as (
    update users set password_hash = $2, updated_at = now()
    where id = $1 and is_active and ($3::text is null or password_hash = $3) returning id
  ) select id from replaced`);

/** Looked up in place of an unknown user, so that the time of an answer does not tell whether there is an account. */
const NOBODY: Login = { tenant_id: NIL, user_id: NIL };

/** Tenants and their users. */
@Injectable()
export class AccountRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** The tenant of the transaction, on the free plan, with its first user, an admin. Throws `email_taken`. */
  async insert(tx: Tx, { tenant_name, email, name, password_hash }: NewAccount): Promise<Registered> {
    const created_at = new Date();
    const tenant = { id: tx.tenant_id, name: tenant_name, plan_id: 'free', status: 'active' as const, created_at };
    const user = {
      id: v7(),
      tenant_id: tenant.id,
      email,
      name,
      role: 'admin',
      password_hash,
      is_active: true,
      created_at,
      last_login_at: null,
    };
    await tx.insert(TenantEntity, { ...tenant }); // TypeORM fills in what it is given
    await tx.insert(UserEntity, { ...user }).catch(explainTakenEmail);
    await tx.query(SUBSCRIBE, [tenant.id, v7(), tenant.plan_id, created_at]);
    return { user: toUser(user), tenant };
  }

  /** The user whom a canonical address names, unless inactive or without a password yet. */
  async findByEmail(email: string): Promise<Account | undefined> {
    const login = (await this.findLogin(email)) ?? NOBODY;
    return withTenantId(this.dataSource, login.tenant_id, (tx) => this.find(tx, login.user_id));
  }

  /** The same by the user's id. */
  async find(tx: Tx, user_id: string): Promise<Account | undefined> {
    const [row] = await tx.query<AccountRow[]>(FIND, [user_id]);
    if (!row?.password_hash || !row.is_active) return undefined;
    const { password_hash, tenant_status } = row;
    return { user: toUser(row), password_hash, tenant_status };
  }

  /** Whether the user is active and, if `replaced` is given, had that hash: then it is replaced. */
  async replaceHash(tx: Tx, user_id: string, password_hash: string, replaced: string | null = null): Promise<boolean> {
    const rows = await tx.query<{ id: string }[]>(REPLACE_HASH, [user_id, password_hash, replaced]);
    return rows.length > 0;
  }

  /** Whom a canonical address names, active or not. */
  async findLogin(email: string): Promise<Login | undefined> {
    const [login] = await this.dataSource.query<Login[]>(FIND_LOGIN, [email]);
    return login;
  }

  /** Removes a user who was invited, never came, and has no link any more; resolves to whether there was one. */
  async dropInvited(tx: Tx, user_id: string): Promise<boolean> {
    const dropped = await tx.query<{ id: string }[]>(DROP_INVITED, [user_id]);
    return dropped.length > 0;
  }

  /** A user of the caller's tenant, and the tenant. Throws `not_found`. */
  read(user_id: string): Promise<Registered> {
    return withTenant(this.dataSource, async (tx) => {
      const user = await findUser(tx, user_id);
      const tenant = await tx.findOneBy(TenantEntity, { id: tx.tenant_id });
      if (!user || !tenant) throw notFound('user');
      return { user: toUser(user), tenant: toTenant(tenant) };
    });
  }
}

const findUser = (tx: Tx, id: string) => tx.findOneBy(UserEntity, { tenant_id: tx.tenant_id, id });

export type UserRow = Omit<UserEntity, 'updated_at'>;

/** Named one by one, so that a new column is not shown by accident. */
export function toUser(row: UserRow): User {
  const { id, tenant_id, email, name, role, is_active, created_at, last_login_at } = row;
  return { id, tenant_id, email, name, role, is_active, status: statusOf(row), created_at, last_login_at };
}

function statusOf({ is_active, password_hash }: UserRow): UserStatus {
  if (!is_active) return 'inactive';
  return password_hash === null ? 'invited' : 'active';
}

export const toTenant = ({ id, name, plan_id, status, created_at }: TenantEntity): Tenant => ({
  id,
  name,
  plan_id,
  status,
  created_at,
});
