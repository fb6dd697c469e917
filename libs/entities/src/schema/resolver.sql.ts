import { guardedTables } from '../tenant-data/tenant-tables';
import type { ServiceRoles } from './grants.sql';
import { functions, mayErase } from './resolver-functions.sql';
import { revokeFunctionsSql } from './revoke.sql';

/**
 * The one way across tenants: functions that answer with ids or counts and no more, owned by the role `resolver`, which sees what is
 * listed here, column by column. Work goes on in `withTenantId`. Applied after the migrations: edit it in place.
 */

export const RESOLVER = 'resolver';

interface Access {
  select: readonly string[];
  /** The columns that it may change; FOR UPDATE needs one, too. */
  update?: readonly string[];
  delete?: true;
}

const access: Record<string, Access> = {
  users: { select: ['tenant_id', 'id', 'email'] },
  api_keys: { select: ['tenant_id', 'id', 'key_hash'] },
  access_changes: { select: ['tenant_id', 'seq', 'kind', 'id', 'at'], delete: true },
  messages: { select: ['tenant_id', 'conversation_id', 'search'] },
  conversations: { select: ['tenant_id', 'id', 'search', 'deleted_at'] },
  conversation_participants: { select: ['tenant_id', 'conversation_id', 'user_id'] },
  conversation_shares: { select: ['tenant_id', 'id', 'conversation_id', 'token_hash', 'expires_at', 'revoked_at'] },
  one_time_tokens: { select: ['tenant_id', 'id', 'token_hash', 'expires_at'], delete: true },
  sessions: { select: ['tenant_id', 'id', 'refresh_token_hash', 'expires_at'], delete: true },
  used_refresh_tokens: { select: ['tenant_id', 'token_hash', 'session_id'] },
  idempotency_keys: { select: ['tenant_id', 'user_id', 'method', 'key', 'expires_at'], delete: true },
  outbox: {
    select: ['tenant_id', 'id', 'created_at', 'claimed_until', 'attempts'],
    update: ['claimed_until', 'attempts'],
  },
  agent_runs: {
    select: ['tenant_id', 'id', 'conversation_id', 'turn', 'status', 'lease_until', 'deadline_at', 'created_at'],
    update: ['lease_owner', 'lease_until'],
  },
  usage_records: { select: ['tenant_id', 'call_id', 'occurred_at', 'status'] },
  webhook_deliveries: {
    select: ['tenant_id', 'id', 'webhook_id', 'status', 'next_attempt_at', 'created_at'],
    update: ['status', 'next_attempt_at'],
  },
  provider_credentials: { select: ['tenant_id', 'id', 'key_id'] },
  tools: { select: ['tenant_id', 'id', 'secret_key_id'] },
  webhooks: { select: ['tenant_id', 'id', 'secret_key_id'] },
  files: { select: ['tenant_id', 'id', 'status', 'created_at'] },
  tenants: { select: ['id', 'status', 'delete_at'] },
  jobs: {
    select: ['tenant_id', 'id', 'kind', 'status', 'lease_until', 'attempts', 'finished_at'],
    update: ['status', 'lease_until', 'attempts'],
  },
  job_chunks: { select: ['tenant_id', 'job_id', 'seq'] },
};

interface Policy {
  table: string;
  verb: string;
  kind: 'permissive' | 'restrictive';
  condition: string;
}

const openPolicies = Object.entries(access).flatMap(([table, verbs]) =>
  Object.keys(verbs).map((verb): Policy => ({ table, verb, kind: 'permissive', condition: 'true' })),
);

/** Rows that are also deleted for their age cannot be kept by a policy: the function's own condition keeps them. */
const isSwept = (table: string) => access[table]?.delete === true;

/** These rows are deleted within their tenant, by the policy that all roles have, and only when its time has come. */
const deletePolicies = [
  ...Object.keys(guardedTables)
    .filter((table) => !isSwept(table))
    .map((table) => ({ table, condition: mayErase(table, `${table}.tenant_id`) })),
  { table: 'tenants', condition: `status = 'deleting' and delete_at <= now()` },
].map((policy): Policy => ({ ...policy, verb: 'delete', kind: 'restrictive' }));

const policies = [...openPolicies, ...deletePolicies].map((policy) => ({ ...policy, name: `resolver_${policy.verb}` }));

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
        ({ table, verb, kind, name, condition }) => `
    if not exists (select from pg_policies where schemaname = 'public' and tablename = '${table}' and policyname = '${name}') then
      create policy ${name} on public.${table} as ${kind} for ${verb} to ${RESOLVER}
        using (${condition});
    end if;`,
      )
      .join('')}
  end $do$;`;

const grantSql = Object.entries(access)
  .flatMap(([table, verbs]) =>
    Object.entries(verbs).map(
      ([verb, columns]: [string, readonly string[] | true]) =>
        `grant ${verb} ${columns === true ? '' : `(${columns.join(', ')})`} on public.${table} to ${RESOLVER};`,
    ),
  )
  .join('\n  ');

const deleteGrantSql = [
  ...Object.entries(guardedTables).map(
    ([table, key]) => `grant select (tenant_id, ${key.join(', ')}), delete on public.${table} to ${RESOLVER};`,
  ),
  `grant delete on public.tenants to ${RESOLVER};`,
].join('\n  ');

const functionSql = Object.entries(functions)
  .map(
    ([name, { takes, returns, volatility, sql }]) => `
  create or replace function public.${name}(${takes}) returns ${returns}
    language sql ${volatility} security definer set search_path = pg_catalog, pg_temp as $sql$${sql}$sql$;`,
  )
  .join('\n');

const executeSql = (roles: ServiceRoles) =>
  Object.entries(functions)
    .map(
      ([name, { for: callers }]) =>
        `grant execute on function public.${name} to ${callers.map((service) => roles[service]).join(', ')};`,
    )
    .join('\n  ');

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

/** Returns idempotent SQL for one transaction of the migrator, after `revokeSql`. */
export const resolverSql = (roles: ServiceRoles) => `
  ${policySql}
  ${grantSql}
  ${deleteGrantSql}
  grant usage, create on schema public to ${RESOLVER};
  set local role ${RESOLVER};
  ${dropUnlistedSql}
  ${functionSql}
  ${revokeFunctionsSql}
  ${executeSql(roles)}
  reset role;
  revoke create on schema public from ${RESOLVER};
`;
