import { databaseServices, type DatabaseService } from '@taai/contracts';

/** The services' roles, as quoted identifiers. */
export type ServiceRoles = Record<DatabaseService, string>;

const ALL = 'select, insert, update, delete';

/** An event is added blindly: nobody but the relay sees one, claims it, or takes it back. */
const EMIT = 'insert (tenant_id, id, type, payload)';

/** Answers to requests that carry an Idempotency-Key; each service sees those to its own methods alone. */
const ONCE = ALL;

/** What closing a call writes into the ledger; who made it, when and for what stays as it was. */
const CLOSE_CALL = `update (status, closed_at, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
  reasoning_tokens, cost_micro_usd, price_id, is_estimated, error_code, latency_ms)`;

/**
 * What each service may do, table by table: all with its own, and what it needs of those that are shared. Anything else is
 * refused. Applied after the migrations: edit it in place.
 */
export const grants: Record<DatabaseService, Record<string, string>> = {
  auth: {
    tenants: 'select, insert, update',
    users: ALL,
    roles: ALL,
    sessions: ALL,
    used_refresh_tokens: ALL,
    one_time_tokens: ALL,
    api_keys: ALL,
    access_changes: 'select, insert',
    audit_logs: 'select, insert',
    audit_heads: 'select, insert, update',
    jobs: ALL,
    job_chunks: ALL,
    subscriptions: 'insert (tenant_id, id, plan_id, current_period_start)',
    idempotency_keys: ONCE,
    outbox: EMIT,
  },
  task: { tasks: ALL, jobs: 'select', idempotency_keys: ONCE, outbox: EMIT },
  chat: { conversations: ALL, messages: ALL, idempotency_keys: ONCE, outbox: EMIT },
  orchestrator: {
    providers: ALL,
    provider_credentials: ALL,
    agents: ALL,
    agent_runs: ALL,
    tools: ALL,
    tool_executions: ALL,
    run_steps: ALL,
    usage_records: `select, insert, ${CLOSE_CALL}`,
    prices: 'select',
    tenant_prices: 'select',
    subscriptions: 'select (tenant_id, plan_id, status)',
    plans: 'select',
    idempotency_keys: ONCE,
    outbox: EMIT,
  },
  usage: {
    usage_records: `select, insert, ${CLOSE_CALL}`,
    tenant_prices: ALL,
    idempotency_keys: ONCE,
    outbox: EMIT,
    subscriptions: 'select, update, delete',
    plans: 'select',
    prices: 'select',
  },
  webhook: { webhooks: ALL, webhook_deliveries: ALL, outbox: ALL, idempotency_keys: ONCE },
};

const sequences: Partial<Record<DatabaseService, string>> = { auth: 'access_changes_seq_seq' };

const functions: Partial<Record<DatabaseService, string>> = { usage: 'create_usage_partitions()' };

/** Idempotent SQL for one transaction of the migrator, after `revokeSql`. Partitions stay without grants. */
export const grantsSql = (roles: ServiceRoles) =>
  databaseServices
    .flatMap((service) =>
      [
        `usage on schema public`,
        ...Object.entries(grants[service]).map(([table, verbs]) => `${verbs} on public.${table}`),
        ...(sequences[service] ? [`usage on sequence public.${sequences[service]}`] : []),
        ...(functions[service] ? [`execute on function public.${functions[service]}`] : []),
      ].map((right) => `grant ${right} to ${roles[service]};`),
    )
    .join('\n');
