import { Injectable } from '@nestjs/common';
import { notFound, ProblemError, type Registered, type Tenant, type User } from '@taai/contracts';
import { TenantEntity, UserEntity, violatedConstraint, withTenant, withTenantId, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { NIL, v7 } from 'uuid';

/** What a new tenant and its first user start with. */
export interface NewAccount {
  tenant_name: string;
  /** Canonical. */
  email: string;
  name: string | null;
  password_hash: string;
}

/** A user who may log in, with what the password is checked against. */
export interface Account {
  user: User;
  password_hash: string;
}

interface Login {
  tenant_id: string;
  user_id: string;
}

/** Nothing is returned: from then on the subscription is the usage service's. */
const SUBSCRIBE = 'insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $2, $3, $4)';

const FIND_LOGIN = 'select tenant_id, user_id from find_login($1)';

/** Looked up in place of an unknown user, so that the time of an answer does not tell whether there is an account. */
const NOBODY: Login = { tenant_id: NIL, user_id: NIL };

/** Tenants and their users. */
@Injectable()
export class AccountRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** A tenant on the free plan with its first user, an admin: all or nothing. Throws `email_taken`. */
  async create({ tenant_name, email, name, password_hash }: NewAccount): Promise<Registered> {
    const created_at = new Date();
    const tenant = { id: v7(), name: tenant_name, plan_id: 'free', status: 'active' as const, created_at };
    const user = { id: v7(), tenant_id: tenant.id, email, name, role: 'admin', created_at };
    const { id: tenant_id, plan_id } = tenant;
    try {
      await withTenantId(this.dataSource, tenant_id, async (tx) => {
        await tx.insert(TenantEntity, { ...tenant }); // TypeORM fills in what it is given
        await tx.insert(UserEntity, { ...user, password_hash });
        await tx.query(SUBSCRIBE, [tenant_id, v7(), plan_id, created_at]);
      });
    } catch (error) {
      if (violatedConstraint(error) === 'users_email_key') throw new ProblemError('email_taken');
      throw error;
    }
    return { user, tenant };
  }

  /** The user whom a canonical address names, unless inactive or without a password yet. */
  async findByEmail(email: string): Promise<Account | undefined> {
    const [login = NOBODY] = await this.dataSource.query<Login[]>(FIND_LOGIN, [email]);
    const row = await withTenantId(this.dataSource, login.tenant_id, (tx) => findUser(tx, login.user_id));
    return row?.password_hash && row.is_active ? { user: toUser(row), password_hash: row.password_hash } : undefined;
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

/** Named one by one, so that a new column is not shown by accident. */
const toUser = ({ id, tenant_id, email, name, role, created_at }: UserEntity): User => ({
  id,
  tenant_id,
  email,
  name,
  role,
  created_at,
});

const toTenant = ({ id, name, plan_id, status, created_at }: TenantEntity): Tenant => ({
  id,
  name,
  plan_id,
  status,
  created_at,
});
