import { Injectable } from '@nestjs/common';
import { limits, type ComposedMail } from '@taai/contracts';
import { RlsPool, sql, type OneTimeTokenKind, type Tx } from '@taai/entities';
import { sha256 } from '@taai/platform';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { mintToken } from './opaque-token';

/** How many seconds a link works. */
const LIFETIMES: Record<OneTimeTokenKind, number> = {
  invite: limits.inviteSeconds,
  password_reset: limits.passwordResetSeconds,
};

/** The tenant and the id of a token that a client showed. */
export interface TokenRef {
  tenant_id: string;
  id: string;
}

const HOLDER = sql(`
  select user_id from one_time_tokens where id = $1 and kind = $2 and used_at is null and expires_at > now()`);

/** Requests for one user wait for each other here, so that of several at once the newest link alone works. */
const LOCK_USER = sql('select from users where id = $1 for no key update');

const REPLACE = sql('delete from one_time_tokens where user_id = $1 and kind = $2');

const REQUEST = sql(`
  insert into one_time_tokens (tenant_id, id, user_id, kind, expires_at)
  values ($1, $2, $3, $4, now() + make_interval(secs => $5))`);

const MINT = sql(`
  with minted as (
    update one_time_tokens set token_hash = $2
    where id = $1 and used_at is null and expires_at > now() returning tenant_id, user_id, kind, expires_at
  )
  select m.kind as template, u.email as to, u.name, t.name as tenant_name, m.expires_at
  from minted m join users u on u.id = m.user_id join tenants t on t.id = m.tenant_id where u.is_active and t.status = 'active'`);

const USE = sql(`
  update one_time_tokens set used_at = now()
  where id = $1 and kind = $2 and used_at is null and expires_at > now() returning user_id`);

const FIND = sql('select tenant_id, id from find_one_time_token($1)');

/** One-time links. A link is added in the transaction that needs it, minted when its mail is written, and used once. */
@Injectable()
export class OneTimeTokenRepository {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
  ) {}

  /** Adds a link that is still to be minted, in place of earlier ones of the kind. Resolves to its id. */
  async insert(tx: Tx, user_id: string, kind: OneTimeTokenKind): Promise<string> {
    const id = v7();
    await tx.read(LOCK_USER, [user_id]);
    await this.cancel(tx, user_id, kind);
    await tx.write(REQUEST, [tx.tenant_id, id, user_id, kind, LIFETIMES[kind]]);
    return id;
  }

  /** Makes links of the kind that the user was sent stop working. */
  async cancel(tx: Tx, user_id: string, kind: OneTimeTokenKind): Promise<void> {
    await tx.write(REPLACE, [user_id, kind]);
  }

  /** Mints the token. Resolves to what its mail says; undefined when the link has been used, replaced or has expired, or its user is not active. */
  async mint(id: string): Promise<ComposedMail | undefined> {
    const { token, hash } = mintToken();
    const [mail] = await this.rls.write<Omit<ComposedMail, 'token'>>(MINT, [id, hash]);
    return mail && { ...mail, token };
  }

  /** Resolves to the token's tenant and id; undefined for what is none. */
  async find(token: string): Promise<TokenRef | undefined> {
    const [ref] = await this.db.query<TokenRef[]>(FIND, [sha256(token)]);
    return ref;
  }

  /** Resolves to the user whom the token is for; undefined when it does not work any more. */
  async holder(tx: Tx, id: string, kind: OneTimeTokenKind): Promise<string | undefined> {
    const [living] = await tx.read<{ user_id: string }>(HOLDER, [id, kind]);
    return living?.user_id;
  }

  /** Uses the token up and resolves to its user; undefined when it was used, has expired, or is of another kind. */
  async use(tx: Tx, id: string, kind: OneTimeTokenKind): Promise<string | undefined> {
    const [used] = await tx.write<{ user_id: string }>(USE, [id, kind]);
    return used?.user_id;
  }
}
