import { Injectable } from '@nestjs/common';
import type { PlanId, Registered, Tenant, TenantStatus, User } from '@taai/contracts';
import { sql, withTenantId, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { NIL, v7 } from 'uuid';
import { explainTakenEmail } from '../registration/email';
import { toUser, users, type UserRow } from '../user/user.repository';

/** What a new tenant and its first user start with. */
export interface NewAccount {
  tenant_name: string;
  /** The canonical spelling. */
  email: string;
  name: string | null;
  password_hash: string;
  plan_id: PlanId;
}

/** A user who may log in if the tenant may, with what the password is checked against. */
export interface Account {
  user: User;
  password_hash: string;
  tenant_name: string;
  tenant_status: TenantStatus;
}

type AccountRow = UserRow & Pick<Account, 'tenant_name' | 'tenant_status'>;

interface Login {
  tenant_id: string;
  user_id: string;
}

const ADD_TENANT = sql(
  'insert into tenants (id, name, plan_id) values ($1, $2, $3) returning id, name, plan_id, status, created_at',
);

/** It returns nothing, because the auth service may not read subscriptions: they are the usage service's. */
const SUBSCRIBE = sql(
  'insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $2, $3, $4)',
);

const FIND_LOGIN = sql('select tenant_id, user_id from find_login($1)');

const FIND = sql(`
  select u.id, u.tenant_id, u.email, u.name, u.role, u.created_at, u.last_login_at, u.password_hash, u.is_active,
    t.name as tenant_name, t.status as tenant_status
  from users u join tenants t on t.id = u.tenant_id where u.id = $1`);

const DROP_INVITED = sql(`
  delete from users u
  where u.id = $1 and u.password_hash is null and not exists (
    select from one_time_tokens t where t.user_id = u.id and t.kind = 'invite' and t.used_at is null and t.expires_at > now()
  ) returning u.id`);

/** When $3 is null, any hash is replaced; else that hash alone. */
const REPLACE_HASH = sql(`
  update users set password_hash = $2, updated_at = now()
  where id = $1 and is_active and ($3::text is null or password_hash = $3) returning id`);

/** It is looked up in place of an unknown user, so that the time of an answer does not tell whether there is an account. */
const NOBODY: Login = { tenant_id: NIL, user_id: NIL };

/** Adds tenants with their first user, and finds the users who log in. */
@Injectable()
export class AccountRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Adds the tenant of the transaction, on its plan, with its first user, an admin. Throws `email_taken`. */
  async insert(tx: Tx, { tenant_name, email, name, password_hash, plan_id }: NewAccount): Promise<Registered> {
    const [tenant] = await tx.write<Tenant>(ADD_TENANT, [tx.tenant_id, tenant_name, plan_id]);
    if (!tenant) throw new Error('What was inserted is returned.');
    const user = await users.insert(tx, { email, name, role: 'admin', password_hash }).catch(explainTakenEmail);
    await tx.write(SUBSCRIBE, [tenant.id, v7(), tenant.plan_id, tenant.created_at]);
    return { user: toUser(user), tenant };
  }

  /** Resolves to the user whom a canonical address names; undefined for one who is inactive or has no password yet. */
  async findByEmail(email: string): Promise<Account | undefined> {
    const login = (await this.findLogin(email)) ?? NOBODY;
    return withTenantId(this.dataSource, login.tenant_id, (tx) => this.find(tx, login.user_id));
  }

  /** Resolves to the same by the user's id. */
  async find(tx: Tx, user_id: string): Promise<Account | undefined> {
    const [row] = await tx.read<AccountRow>(FIND, [user_id]);
    if (!row?.password_hash || !row.is_active) return undefined;
    const { password_hash, tenant_name, tenant_status } = row;
    return { user: toUser(row), password_hash, tenant_name, tenant_status };
  }

  /** Replaces the hash of an active user; if `replaced` is given, that hash alone. Resolves to whether it did. */
  async replaceHash(tx: Tx, user_id: string, password_hash: string, replaced: string | null = null): Promise<boolean> {
    const rows = await tx.write(REPLACE_HASH, [user_id, password_hash, replaced]);
    return rows.length > 0;
  }

  /** Resolves to whom a canonical address names, active or not. */
  async findLogin(email: string): Promise<Login | undefined> {
    const [login] = await this.dataSource.query<Login[]>(FIND_LOGIN, [email]);
    return login;
  }

  /** Removes a user who was invited, never came, and has no link any more. Resolves to whether there was one. */
  async dropInvited(tx: Tx, user_id: string): Promise<boolean> {
    const dropped = await tx.write(DROP_INVITED, [user_id]);
    return dropped.length > 0;
  }
}
