import { searchFor } from './search-words.sql';
import { databaseServices, type DatabaseService } from '@taai/contracts';
import { distinctSql } from '../database/distinct.sql';
import { guardedTables, tenantTables } from '../tenant-data/tenant-tables';
import { hasItsTurn } from './turns.sql';

interface ResolverFunction {
  /** The services that may call it. */
  for: readonly DatabaseService[];
  takes: string;
  returns: string;
  volatility: 'stable' | 'volatile';
  sql: string;
}

const answersFor = (table: string) => databaseServices.filter((service) => tenantTables[service].includes(table));

/** Work in the background is done for active tenants alone: others are suspended, or are being deleted. */
const isActive = (tenant: string) =>
  `exists (select from public.tenants t where t.id = ${tenant} and t.status = 'active')`;

/** As the index says it by which runs are found. */
const isLeasable = `r.status in ('queued', 'running')`;

const isDue = (tenant: string) => `
  exists (select from public.tenants t where t.id = ${tenant} and t.status = 'deleting' and t.delete_at <= now())`;

/** The audit log goes when nobody of the tenant is left: who could only mark a tenant as due cannot rewrite its history. */
const isLast = (table: string) => table.startsWith('audit_');
const isEmpty = (tenant: string) => `not exists (select from public.users u where u.tenant_id = ${tenant})`;

/** Returns an SQL condition: whether the table's rows of the tenant may be erased. */
export const mayErase = (table: string, tenant: string) =>
  isLast(table) ? `${isDue(tenant)} and ${isEmpty(tenant)}` : isDue(tenant);

/** Returns an SQL condition: the tenant is the transaction's. Some policies of the resolver let it see all tenants. */
const isCurrent = (tenant: string) => `${tenant} = nullif(current_setting('app.tenant_id', true), '')::uuid`;

/** The different values of a column among the deliveries that are due and wait for one of their endpoint's places. */
const inLine = (column: string, then: string, more = 'true') => ({
  from: 'public.webhook_deliveries',
  column,
  where: `r.status = 'pending' and r.next_attempt_at is null and ${more}`,
  then,
});

interface DueRows {
  table: string;
  /** A condition on a row `r`: that of the index by tenant and `since`. */
  waits: string;
  since: string;
  /** A further condition on a row `r`. */
  isDue: string;
}

/** The body of a function `name`, which takes a `batch`: rows that are due, of each tenant as many as of the others, the oldest first. */
const dueByTurns = (name: string, { table, waits, since, isDue }: DueRows) => `
  with recursive ${distinctSql('waiting', { from: `public.${table}`, column: 'tenant_id', where: waits, then: `r.${since}` })},
  turn as materialized (
    select w.tenant_id, ceil(${name}.batch::numeric / count(*) over ()) as share
    from waiting w where w.tenant_id is not null and exists (
      select from public.${table} r where r.tenant_id = w.tenant_id and ${waits} and ${isDue})
    order by random() limit ${name}.batch
  )
  select d.tenant_id, d.id from turn cross join lateral (
    select r.tenant_id, r.id from public.${table} r
    where r.tenant_id = turn.tenant_id and ${waits} and ${isDue}
    order by r.${since} limit turn.share
  ) d limit ${name}.batch`;

const openDeliveries = (tenant: string, webhook: string) => `(
  select count(*) from public.webhook_deliveries o
  where o.tenant_id = ${tenant} and o.webhook_id = ${webhook} and o.status = 'delivering')`;

const eraseFunctions = Object.fromEntries(
  Object.entries(guardedTables).map(([table, key]): [string, ResolverFunction] => [
    `erase_${table}`,
    {
      for: answersFor(table),
      takes: 'tenant_id uuid, batch integer',
      returns: 'integer',
      volatility: 'volatile',
      sql: `
        with erased as (
          delete from public.${table} r
          where r.tenant_id = erase_${table}.tenant_id and ${isCurrent(`erase_${table}.tenant_id`)}
            and ${mayErase(table, `erase_${table}.tenant_id`)}
            and (${key.map((name) => `r.${name}`).join(', ')}) in (
              select ${key.map((name) => `s.${name}`).join(', ')} from public.${table} s
              where s.tenant_id = erase_${table}.tenant_id limit erase_${table}.batch
            ) returning 1
        )
        select count(*)::integer from erased`,
    },
  ]),
);

/** The functions by name. Each looks over all tenants and answers with ids and no more. Arguments and columns are qualified, because they share names. */
export const functions: Record<string, ResolverFunction> = {
  /** Finds the user whom an e-mail address names, active or not. */
  find_login: {
    for: ['auth'],
    takes: 'email text',
    returns: 'table (tenant_id uuid, user_id uuid)',
    volatility: 'stable',
    sql: 'select u.tenant_id, u.id from public.users u where u.email = lower(find_login.email)',
  },

  find_one_time_token: {
    for: ['auth'],
    takes: 'token_hash text',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: 'select t.tenant_id, t.id from public.one_time_tokens t where t.token_hash = find_one_time_token.token_hash',
  },

  /** Finds an API key, whether or not it has ended. */
  find_api_key: {
    for: ['auth'],
    takes: 'key_hash text',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: 'select k.tenant_id, k.id from public.api_keys k where k.key_hash = find_api_key.key_hash',
  },

  /** Finds what a link shows, if it works and its tenant does. */
  find_share: {
    for: ['chat'],
    takes: 'token_hash text',
    returns: 'table (tenant_id uuid, id uuid, conversation_id uuid)',
    volatility: 'stable',
    sql: `
      select s.tenant_id, s.id, s.conversation_id from public.conversation_shares s
      join public.tenants t on t.id = s.tenant_id and t.status = 'active'
      where s.token_hash = find_share.token_hash and s.revoked_at is null
        and (s.expires_at is null or s.expires_at > now())`,
  },

  /**
   * Finds the conversations of a tenant whose messages or title have the words, newest first: those of a user, or, without one, all. A role
   * that row level security holds back cannot use an index for words, because what compares them might tell of rows that it hides.
   */
  search_conversations: {
    for: ['chat'],
    takes: 'tenant_id uuid, user_id uuid, words text, before uuid, batch integer',
    returns: 'table (id uuid)',
    volatility: 'stable',
    sql: `
      with found as (
        select m.conversation_id as id from public.messages m
        where search_conversations.user_id is null and m.tenant_id = search_conversations.tenant_id
          and m.search @@ ${searchFor('search_conversations.tenant_id', 'search_conversations.words')}
        union
        select c.id from public.conversations c
        where search_conversations.user_id is null and c.tenant_id = search_conversations.tenant_id
          and c.search @@ ${searchFor('search_conversations.tenant_id', 'search_conversations.words')}
        union
        select p.conversation_id from public.conversation_participants p
        join public.messages m on m.tenant_id = p.tenant_id and m.conversation_id = p.conversation_id
        where p.tenant_id = search_conversations.tenant_id and p.user_id = search_conversations.user_id
          and m.search @@ ${searchFor('search_conversations.tenant_id', 'search_conversations.words')}
        union
        select p.conversation_id from public.conversation_participants p
        join public.conversations c on c.tenant_id = p.tenant_id and c.id = p.conversation_id
        where p.tenant_id = search_conversations.tenant_id and p.user_id = search_conversations.user_id
          and c.search @@ ${searchFor('search_conversations.tenant_id', 'search_conversations.words')}
      )
      select f.id from found f
      where search_conversations.before is null or f.id < search_conversations.before
      order by f.id desc limit search_conversations.batch`,
  },

  /** Lists what has ended, or changed its permissions, in the last seconds, each once. */
  recent_access_changes: {
    for: ['auth'],
    takes: 'seconds integer, batch integer',
    returns: 'table (kind text, id uuid)',
    volatility: 'stable',
    sql: `
      select distinct c.kind, c.id from public.access_changes c
      where c.at > now() - make_interval(secs => recent_access_changes.seconds) limit recent_access_changes.batch`,
  },

  /** Finds the session of a refresh token, be it the current one or one that was used. */
  find_refresh_token: {
    for: ['auth'],
    takes: 'token_hash text',
    returns: 'table (tenant_id uuid, session_id uuid)',
    volatility: 'stable',
    sql: `
      select s.tenant_id, s.id from public.sessions s where s.refresh_token_hash = find_refresh_token.token_hash
      union all
      select t.tenant_id, t.session_id from public.used_refresh_tokens t
      where t.token_hash = find_refresh_token.token_hash`,
  },

  /** Deletes what nobody asks for any more, at most `batch` rows of each kind; the number of rows. */
  delete_expired: {
    for: ['auth'],
    takes: 'batch integer',
    returns: 'bigint',
    volatility: 'volatile',
    sql: `
      with gone_sessions as (
        delete from public.sessions where (tenant_id, id) in (
          select s.tenant_id, s.id from public.sessions s
          where s.expires_at < now() - interval '7 days' limit delete_expired.batch) returning 1
      ), gone_tokens as (
        delete from public.one_time_tokens where (tenant_id, id) in (
          select t.tenant_id, t.id from public.one_time_tokens t
          where t.expires_at < now() limit delete_expired.batch) returning 1
      ), gone_changes as (
        delete from public.access_changes where (tenant_id, seq) in (
          select c.tenant_id, c.seq from public.access_changes c
          where c.at < now() - interval '24 hours' limit delete_expired.batch) returning 1
      ), gone_keys as (
        delete from public.idempotency_keys where (tenant_id, user_id, method, key) in (
          select k.tenant_id, k.user_id, k.method, k.key from public.idempotency_keys k
          where k.expires_at < now() limit delete_expired.batch) returning 1
      )
      select (select count(*) from gone_sessions) + (select count(*) from gone_tokens)
        + (select count(*) from gone_changes) + (select count(*) from gone_keys)`,
  },

  /**
   * Leases events to one relay: of each tenant the oldest, an equal number of each that has events waiting, and what is left of the
   * batch of whoever has more. Another relay gets those that are still there when the lease ends.
   */
  claim_outbox: {
    for: ['webhook'],
    takes: 'batch integer, lease_seconds integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: `
      update public.outbox o set claimed_until = null
      from (
        select l.tenant_id, l.id from public.outbox l where l.claimed_until < now()
        order by l.claimed_until limit claim_outbox.batch for update skip locked
      ) lost where o.tenant_id = lost.tenant_id and o.id = lost.id;

      with recursive ${distinctSql('waiting', { from: 'public.outbox', column: 'tenant_id', where: 'r.claimed_until is null', then: 'r.created_at, r.id' })},
      turn as materialized (
        select w.tenant_id, ceil(claim_outbox.batch::numeric / count(*) over ()) as share
        from waiting w where w.tenant_id is not null order by random() limit claim_outbox.batch
      ), fair as materialized (
        select f.tenant_id, f.id from turn cross join lateral (
          select o.tenant_id, o.id from public.outbox o
          where o.tenant_id = turn.tenant_id and o.claimed_until is null
          order by o.created_at, o.id limit turn.share for update skip locked
        ) f limit claim_outbox.batch
      ), more as materialized (
        select m.tenant_id, m.id from turn cross join lateral (
          select o.tenant_id, o.id from public.outbox o
          where o.tenant_id = turn.tenant_id and o.claimed_until is null
          order by o.created_at, o.id offset turn.share limit claim_outbox.batch for update skip locked
        ) m limit claim_outbox.batch - (select count(*) from fair)
      ), claimed as (
        update public.outbox o
        set claimed_until = now() + make_interval(secs => claim_outbox.lease_seconds), attempts = o.attempts + 1
        from (select * from fair union select * from more) due where o.tenant_id = due.tenant_id and o.id = due.id
        returning o.tenant_id, o.id
      )
      select c.tenant_id, c.id from claimed c order by c.id`,
  },

  /**
   * Runs that nobody executes any more, or whose approval nobody gave in time, now leased to `owner`. Tenants take turns: those of whose
   * runs fewest are executed first, then those that wait longest; `full_tenants` are passed over. Of each tenant no more than `batch`
   * rows are read, however many wait.
   */
  claim_runs: {
    for: ['orchestrator'],
    takes: `owner text, batch integer, lease_seconds integer, full_tenants uuid[] default '{}'`,
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: `
      with recursive tenants (id) as (
        (select r.tenant_id from public.agent_runs r where ${isLeasable} order by r.tenant_id limit 1)
        union all
        select (
          select r.tenant_id from public.agent_runs r where ${isLeasable} and r.tenant_id > own.id order by r.tenant_id limit 1)
        from tenants own where own.id is not null
      ), waiting as (
        select own.id as tenant_id, w.id, w.since, w.turn + executed.runs as turn
        from tenants own cross join lateral (
          select count(*) as runs from public.agent_runs r
          where ${isLeasable} and r.tenant_id = own.id and r.lease_until >= now()
        ) executed cross join lateral (
          select w.id, w.since, row_number() over (order by w.since) as turn from (
            (select r.id, r.created_at as since from public.agent_runs r
             where ${isLeasable} and r.tenant_id = own.id and r.lease_until is null and ${hasItsTurn}
             order by r.lease_until, r.created_at limit claim_runs.batch)
            union all
            (select r.id, r.lease_until from public.agent_runs r
             where ${isLeasable} and r.tenant_id = own.id and r.lease_until < now() order by r.lease_until limit claim_runs.batch)
            order by since limit claim_runs.batch
          ) w
        ) w
        where own.id <> all (claim_runs.full_tenants) and ${isActive('own.id')}
        union all
        (select r.tenant_id, r.id, r.deadline_at, 0 from public.agent_runs r
         where r.status = 'waiting_approval' and r.deadline_at < now()
           and (r.lease_until is null or r.lease_until < now()) and ${isActive('r.tenant_id')}
         order by r.deadline_at limit claim_runs.batch)
      ), due as materialized (
        select r.tenant_id, r.id from waiting w
        join public.agent_runs r on r.tenant_id = w.tenant_id and r.id = w.id
        where r.lease_until is null or r.lease_until < now()
        order by w.turn, w.since limit claim_runs.batch for update of r skip locked
      )
      update public.agent_runs r
      set lease_owner = claim_runs.owner, lease_until = now() + make_interval(secs => claim_runs.lease_seconds)
      from due where r.tenant_id = due.tenant_id and r.id = due.id
      returning r.tenant_id, r.id`,
  },

  /** Lists provider calls that were opened longer ago and never closed, oldest first. */
  due_open_calls: {
    for: ['usage'],
    takes: 'older_than_seconds integer, batch integer',
    returns: 'table (tenant_id uuid, call_id uuid)',
    volatility: 'stable',
    sql: `
      select u.tenant_id, u.call_id from public.usage_records u
      where u.status = 'open' and u.occurred_at < now() - make_interval(secs => due_open_calls.older_than_seconds)
      order by u.occurred_at limit due_open_calls.batch`,
  },

  /**
   * Lines deliveries up whose next attempt is due or whose attempt got lost, and lists the tenants that may claim, those behind `after`
   * first: something waits in line for an endpoint that has fewer than `places` attempts under way.
   */
  delivery_turns: {
    for: ['webhook'],
    takes: 'after uuid, batch integer, places integer',
    returns: 'table (tenant_id uuid)',
    volatility: 'volatile',
    sql: `
      update public.webhook_deliveries d set status = 'pending', next_attempt_at = null
      from (
        select l.tenant_id, l.id from public.webhook_deliveries l where l.next_attempt_at <= now()
        order by l.next_attempt_at limit delivery_turns.batch for update skip locked
      ) due where d.tenant_id = due.tenant_id and d.id = due.id;

      with recursive ${distinctSql('later', inLine('tenant_id', 'r.webhook_id, r.created_at'), 'delivery_turns.after')},
      ${distinctSql('earlier', inLine('tenant_id', 'r.webhook_id, r.created_at'))}
      select w.tenant_id from (
        select l.tenant_id from later l
        union all
        select e.tenant_id from earlier e where e.tenant_id <= delivery_turns.after
      ) w
      where ${isActive('w.tenant_id')} and exists (
        with recursive ${distinctSql('lane', inLine('webhook_id', 'r.created_at', 'r.tenant_id = w.tenant_id'))}
        select from lane where lane.webhook_id is not null and delivery_turns.places > ${openDeliveries('w.tenant_id', 'lane.webhook_id')}
      ) limit delivery_turns.batch`,
  },

  /**
   * Counts the attempts under way for an endpoint. It is volatile, and so sees what was committed until it is called: a claim calls it
   * behind the endpoint's lock.
   */
  open_deliveries: {
    for: ['webhook'],
    takes: 'tenant_id uuid, webhook_id uuid',
    returns: 'bigint',
    volatility: 'volatile',
    sql: `select ${openDeliveries('open_deliveries.tenant_id', 'open_deliveries.webhook_id')}`,
  },

  /**
   * Ids of the keys that encrypt providers' credentials and tools' headers: one look into an index for each, however many rows
   * there are.
   */
  credential_key_ids: {
    for: ['orchestrator'],
    takes: '',
    returns: 'table (key_id text)',
    volatility: 'stable',
    sql: `
      with recursive used (key_id) as (
        select least((select min(c.key_id) from public.provider_credentials c), (select min(t.secret_key_id) from public.tools t))
        union all
        select least(
          (select min(c.key_id) from public.provider_credentials c where c.key_id > u.key_id),
          (select min(t.secret_key_id) from public.tools t where t.secret_key_id > u.key_id))
        from used u where u.key_id is not null
      )
      select u.key_id from used u where u.key_id is not null`,
  },

  /** Lists credentials, and tools with headers, that another key encrypts, in the order of their primary keys, which are never the same. */
  stale_credentials: {
    for: ['orchestrator'],
    takes: 'key_id text, after_tenant_id uuid, after_id uuid, batch integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: `
      (select c.tenant_id, c.id from public.provider_credentials c
       where c.key_id <> stale_credentials.key_id
         and (c.tenant_id, c.id) > (stale_credentials.after_tenant_id, stale_credentials.after_id)
       order by c.tenant_id, c.id limit stale_credentials.batch)
      union all
      (select t.tenant_id, t.id from public.tools t
       where t.secret_key_id <> stale_credentials.key_id
         and (t.tenant_id, t.id) > (stale_credentials.after_tenant_id, stale_credentials.after_id)
       order by t.tenant_id, t.id limit stale_credentials.batch)
      order by 1, 2 limit stale_credentials.batch`,
  },

  /** Tells the keys that encrypt webhooks' secrets; null stands for rows that do not say. */
  webhook_key_ids: {
    for: ['webhook'],
    takes: '',
    returns: 'table (key_id text)',
    volatility: 'stable',
    sql: `
      with recursive used (key_id) as (
        select min(w.secret_key_id) from public.webhooks w
        union all
        select (select min(w.secret_key_id) from public.webhooks w where w.secret_key_id > u.key_id)
        from used u where u.key_id is not null
      )
      select u.key_id from used u where u.key_id is not null
      union all
      select null where exists (select from public.webhooks w where w.secret_key_id is null)`,
  },

  stale_webhook_secrets: {
    for: ['webhook'],
    takes: 'key_id text, after_tenant_id uuid, after_id uuid, batch integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: `
      select w.tenant_id, w.id from public.webhooks w
      where w.secret_key_id is distinct from stale_webhook_secrets.key_id
        and (w.tenant_id, w.id) > (stale_webhook_secrets.after_tenant_id, stale_webhook_secrets.after_id)
      order by w.tenant_id, w.id limit stale_webhook_secrets.batch`,
  },

  /** Leases jobs of a kind that wait, or whose replica is gone, to the caller, and counts an attempt. */
  claim_jobs: {
    for: ['auth'],
    takes: 'kind text, batch integer, lease_seconds integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: `
      with due as materialized (
        select j.tenant_id, j.id from public.jobs j
        where j.kind = claim_jobs.kind and j.status in ('queued', 'running')
          and (j.lease_until is null or j.lease_until < now()) and ${isActive('j.tenant_id')}
        order by j.id limit claim_jobs.batch for update skip locked
      )
      update public.jobs j
      set status = 'running', attempts = j.attempts + 1,
        lease_until = now() + make_interval(secs => claim_jobs.lease_seconds)
      from due where j.tenant_id = due.tenant_id and j.id = due.id
      returning j.tenant_id, j.id`,
  },

  /** Lists finished jobs whose archive is older than that. */
  due_archives: {
    for: ['auth'],
    takes: 'older_than_seconds integer, batch integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: `
      select j.tenant_id, j.id from public.job_chunks c
      join public.jobs j on j.tenant_id = c.tenant_id and j.id = c.job_id
      where c.seq = 0 and j.finished_at < now() - make_interval(secs => due_archives.older_than_seconds)
      limit due_archives.batch`,
  },

  /**
   * Lists files whose deletion did not come to its end, and uploads that have not come to theirs for so long: of each tenant as many as
   * of the others, the oldest first.
   */
  due_files: {
    for: ['chat'],
    takes: 'older_than_seconds integer, batch integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: dueByTurns('due_files', {
      table: 'files',
      waits: `r.status <> 'ready'`,
      since: 'created_at',
      isDue: `(r.status = 'deleting' or r.created_at < now() - make_interval(secs => due_files.older_than_seconds))`,
    }),
  },

  /** Lists conversations that were deleted so long ago: of each tenant as many as of the others, the longest first. */
  due_conversations: {
    for: ['chat'],
    takes: 'older_than_seconds integer, batch integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: dueByTurns('due_conversations', {
      table: 'conversations',
      waits: 'r.deleted_at is not null',
      since: 'deleted_at',
      isDue: 'r.deleted_at < now() - make_interval(secs => due_conversations.older_than_seconds)',
    }),
  },

  /** Lists every tenant, page by page, for the operator. */
  list_tenants: {
    for: ['auth'],
    takes: 'after uuid, batch integer',
    returns: 'table (id uuid)',
    volatility: 'stable',
    sql: `
      select t.id from public.tenants t where list_tenants.after is null or t.id > list_tenants.after
      order by t.id limit list_tenants.batch`,
  },

  /** Lists tenants whose rows are to be erased, the longest due first. */
  due_tenants: {
    for: ['auth'],
    takes: 'batch integer',
    returns: 'table (id uuid)',
    volatility: 'stable',
    sql: `
      select t.id from public.tenants t where t.status = 'deleting' and t.delete_at <= now()
      order by t.delete_at limit due_tenants.batch`,
  },

  tenant_is_due: {
    for: databaseServices,
    takes: 'tenant_id uuid',
    returns: 'boolean',
    volatility: 'stable',
    sql: `select ${isDue('tenant_is_due.tenant_id')}`,
  },

  ...eraseFunctions,

  /** Erases the tenant itself, when nothing refers to it any more. */
  erase_tenant: {
    for: ['auth'],
    takes: 'tenant_id uuid',
    returns: 'integer',
    volatility: 'volatile',
    sql: `
      with erased as (delete from public.tenants t where t.id = erase_tenant.tenant_id returning 1)
      select count(*)::integer from erased`,
  },
};
