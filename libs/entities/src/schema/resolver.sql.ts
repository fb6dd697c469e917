/**
 * The one way across tenants: functions that answer with ids and no more, owned by the role `resolver`, which sees what is
 * listed here, column by column. Work goes on in `withTenantId`. Applied after the migrations: edit it in place.
 */

export const RESOLVER = 'resolver';

interface Access {
  select: readonly string[];
  /** FOR UPDATE asks for one, too. */
  update?: readonly string[];
}

const access: Record<string, Access> = {
  users: { select: ['tenant_id', 'id', 'email'] },
  one_time_tokens: { select: ['tenant_id', 'id', 'token_hash'] },
  outbox: { select: ['tenant_id', 'id', 'claimed_until', 'attempts'], update: ['claimed_until', 'attempts'] },
  agent_runs: { select: ['tenant_id', 'id', 'status', 'lease_until'], update: ['lease_owner', 'lease_until'] },
  usage_records: { select: ['tenant_id', 'call_id', 'occurred_at', 'status'] },
  webhook_deliveries: { select: ['tenant_id', 'id', 'status', 'next_attempt_at'] },
  tenants: { select: ['id', 'status', 'delete_at'] },
  jobs: {
    select: ['tenant_id', 'id', 'kind', 'status', 'lease_until', 'attempts', 'finished_at'],
    update: ['status', 'lease_until', 'attempts'],
  },
  job_chunks: { select: ['tenant_id', 'job_id', 'seq'] },
};

/**
 * Tables whose rows no service may delete, and a column that tells a tenant's rows apart. Here, too, they can be deleted only
 * within their tenant (by the policy that all roles have) and only when its time has come (by one more).
 */
const guarded: Record<string, string> = {
  audit_logs: 'id',
  audit_heads: 'tenant_id',
  access_changes: 'seq',
  usage_records: 'call_id',
};

const isDue = (tenant: string) => `
  exists (select from public.tenants t where t.id = ${tenant} and t.status = 'deleting' and t.delete_at <= now())`;

/** Name → arguments, result and query. Every argument and column is qualified: their names meet. */
interface ResolverFunction {
  takes: string;
  returns: string;
  volatility: 'stable' | 'volatile';
  sql: string;
}

const eraseFunctions = Object.fromEntries(
  Object.entries(guarded).map(([table, column]): [string, ResolverFunction] => [
    `erase_${table}`,
    {
      takes: 'tenant_id uuid, batch integer',
      returns: 'integer',
      volatility: 'volatile',
      sql: `
        with erased as (
          delete from public.${table} r where r.tenant_id = erase_${table}.tenant_id and r.${column} in (
            select s.${column} from public.${table} s where s.tenant_id = erase_${table}.tenant_id
            order by s.${column} limit erase_${table}.batch
          ) returning 1
        )
        select count(*)::integer from erased`,
    },
  ]),
);

const functions: Record<string, ResolverFunction> = {
  /** The user whom an e-mail address names, active or not; no row for an unknown one. */
  find_login: {
    takes: 'email text',
    returns: 'table (tenant_id uuid, user_id uuid)',
    volatility: 'stable',
    sql: 'select u.tenant_id, u.id from public.users u where u.email = lower(find_login.email)',
  },

  find_one_time_token: {
    takes: 'token_hash text',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: 'select t.tenant_id, t.id from public.one_time_tokens t where t.token_hash = find_one_time_token.token_hash',
  },

  email_taken: {
    takes: 'email text',
    returns: 'boolean',
    volatility: 'stable',
    sql: 'select exists (select from public.users u where u.email = lower(email_taken.email))',
  },

  /** Events for one relay, oldest first; another gets those that are still there when the lease ends. */
  claim_outbox: {
    takes: 'batch integer, lease_seconds integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: `
      with due as materialized (
        select o.tenant_id, o.id from public.outbox o
        where o.claimed_until is null or o.claimed_until < now()
        order by o.id limit claim_outbox.batch for update skip locked
      ), claimed as (
        update public.outbox o
        set claimed_until = now() + make_interval(secs => claim_outbox.lease_seconds), attempts = o.attempts + 1
        from due where o.tenant_id = due.tenant_id and o.id = due.id
        returning o.tenant_id, o.id
      )
      select c.tenant_id, c.id from claimed c order by c.id`,
  },

  /** Runs that nobody executes any more, now leased to `owner`. */
  claim_runs: {
    takes: 'owner text, batch integer, lease_seconds integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: `
      with due as materialized (
        select r.tenant_id, r.id from public.agent_runs r
        where r.status in ('queued', 'running') and (r.lease_until is null or r.lease_until < now())
        order by r.lease_until nulls first limit claim_runs.batch for update skip locked
      )
      update public.agent_runs r
      set lease_owner = claim_runs.owner, lease_until = now() + make_interval(secs => claim_runs.lease_seconds)
      from due where r.tenant_id = due.tenant_id and r.id = due.id
      returning r.tenant_id, r.id`,
  },

  /** Provider calls that were opened longer ago and never closed, oldest first. */
  due_open_calls: {
    takes: 'older_than_seconds integer, batch integer',
    returns: 'table (tenant_id uuid, call_id uuid)',
    volatility: 'stable',
    sql: `
      select u.tenant_id, u.call_id from public.usage_records u
      where u.status = 'open' and u.occurred_at < now() - make_interval(secs => due_open_calls.older_than_seconds)
      order by u.occurred_at limit due_open_calls.batch`,
  },

  /** Deliveries whose next attempt is due, or whose attempt got lost, most overdue first. */
  due_deliveries: {
    takes: 'batch integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: `
      select d.tenant_id, d.id from public.webhook_deliveries d
      where d.status in ('pending', 'delivering') and d.next_attempt_at <= now()
      order by d.next_attempt_at limit due_deliveries.batch`,
  },

  /** Jobs of a kind that wait, or whose replica is gone: now leased to the caller, and counted as taken up once more. */
  claim_jobs: {
    takes: 'kind text, batch integer, lease_seconds integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'volatile',
    sql: `
      with due as materialized (
        select j.tenant_id, j.id from public.jobs j
        where j.kind = claim_jobs.kind and j.status in ('queued', 'running')
          and (j.lease_until is null or j.lease_until < now())
        order by j.id limit claim_jobs.batch for update skip locked
      )
      update public.jobs j
      set status = 'running', attempts = j.attempts + 1,
        lease_until = now() + make_interval(secs => claim_jobs.lease_seconds)
      from due where j.tenant_id = due.tenant_id and j.id = due.id
      returning j.tenant_id, j.id`,
  },

  /** Finished jobs whose archive is older than that. */
  due_archives: {
    takes: 'older_than_seconds integer, batch integer',
    returns: 'table (tenant_id uuid, id uuid)',
    volatility: 'stable',
    sql: `
      select j.tenant_id, j.id from public.job_chunks c
      join public.jobs j on j.tenant_id = c.tenant_id and j.id = c.job_id
      where c.seq = 0 and j.finished_at < now() - make_interval(secs => due_archives.older_than_seconds)
      limit due_archives.batch`,
  },

  /** Every tenant, page by page: for the operator. */
  list_tenants: {
    takes: 'after uuid, batch integer',
    returns: 'table (id uuid)',
    volatility: 'stable',
    sql: `
      select t.id from public.tenants t where list_tenants.after is null or t.id > list_tenants.after
      order by t.id limit list_tenants.batch`,
  },

  /** Tenants whose rows are to be erased, the longest due first. */
  due_tenants: {
    takes: 'batch integer',
    returns: 'table (id uuid)',
    volatility: 'stable',
    sql: `
      select t.id from public.tenants t where t.status = 'deleting' and t.delete_at <= now()
      order by t.delete_at limit due_tenants.batch`,
  },

  tenant_is_due: {
    takes: 'tenant_id uuid',
    returns: 'boolean',
    volatility: 'stable',
    sql: `select ${isDue('tenant_is_due.tenant_id')}`,
  },

  ...eraseFunctions,

  /** The tenant itself, when nothing refers to it any more. */
  erase_tenant: {
    takes: 'tenant_id uuid',
    returns: 'integer',
    volatility: 'volatile',
    sql: `
      with erased as (delete from public.tenants t where t.id = erase_tenant.tenant_id returning 1)
      select count(*)::integer from erased`,
  },
};

const policyOf = (table: string, verb: 'select' | 'update' | 'delete', condition = 'true') => ({
  table,
  verb,
  condition,
  name: `resolver_${verb}`,
});

const openPolicies = Object.entries(access).flatMap(([table, { update }]) => [
  policyOf(table, 'select'),
  ...(update ? [policyOf(table, 'update')] : []),
]);

const deletePolicies = [
  ...Object.keys(guarded).map((table) => policyOf(table, 'delete', isDue(`${table}.tenant_id`))),
  policyOf('tenants', 'delete', `status = 'deleting' and delete_at <= now()`),
];

const policies = [...openPolicies, ...deletePolicies];

/** Policies are made and dropped only when the list has changed, because both lock the table. */
const policySql = `
  do $do$
  declare stale record;
  begin
    for stale in
      select policyname, tablename from pg_policies
      where schemaname = 'public' and policyname like 'resolver\\_%'
        and (tablename, policyname) not in (${policies.map(({ table, name }) => `('${table}', '${name}')`).join(', ')})
    loop
      execute format('drop policy %I on public.%I', stale.policyname, stale.tablename);
    end loop;
    ${policies
      .map(
        ({ table, verb, name, condition }) => `
    if not exists (select from pg_policies where schemaname = 'public' and tablename = '${table}' and policyname = '${name}') then
      create policy ${name} on public.${table} ${verb === 'delete' ? 'as restrictive' : ''} for ${verb} to ${RESOLVER}
        using (${condition});
    end if;`,
      )
      .join('')}
  end $do$;`;

const grantSql = Object.entries(access)
  .flatMap(([table, columns]) =>
    Object.entries(columns).map(
      ([verb, names]: [string, readonly string[]]) =>
        `grant ${verb} (${names.join(', ')}) on public.${table} to ${RESOLVER};`,
    ),
  )
  .join('\n  ');

const deleteGrantSql = [
  ...Object.entries(guarded).map(
    ([table, column]) => `grant select (tenant_id, ${column}), delete on public.${table} to ${RESOLVER};`,
  ),
  `grant delete on public.tenants to ${RESOLVER};`,
].join('\n  ');

const functionSql = (runtimeRole: string) =>
  Object.entries(functions)
    .map(
      ([name, { takes, returns, volatility, sql }]) => `
  create or replace function public.${name}(${takes}) returns ${returns}
    language sql ${volatility} security definer set search_path = pg_catalog, pg_temp as $sql$${sql}$sql$;
  revoke all on function public.${name} from public;
  grant execute on function public.${name} to ${runtimeRole};`,
    )
    .join('\n');

const dropUnlistedSql = `
  do $do$
  declare stale regprocedure;
  begin
    for stale in
      select oid from pg_proc where proowner = '${RESOLVER}'::regrole
        and proname not in (${Object.keys(functions)
          .map((name) => `'${name}'`)
          .join(', ')})
    loop
      execute format('drop function %s', stale);
    end loop;
  end $do$;`;

/** Idempotent SQL for one transaction of the migrator. `runtimeRole`: a quoted identifier. */
export const resolverSql = (runtimeRole: string) => `
  ${policySql}
  revoke all on all tables in schema public from ${RESOLVER};
  ${grantSql}
  ${deleteGrantSql}
  grant usage, create on schema public to ${RESOLVER};
  set local role ${RESOLVER};
  ${dropUnlistedSql}
  ${functionSql(runtimeRole)}
  reset role;
  revoke create on schema public from ${RESOLVER};
`;
