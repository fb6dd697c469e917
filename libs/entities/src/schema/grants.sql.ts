import { databaseServices, type DatabaseService } from '@taai/contracts';

/** The services' roles, as quoted identifiers. */
export type ServiceRoles = Record<DatabaseService, string>;

const ALL = 'select, insert, update, delete';

/** A service may add events and not read them: the relay alone reads, claims and removes them. */
const EMIT = 'insert (tenant_id, id, type, payload)';

/** The answers to requests that carry an Idempotency-Key. Each service sees those of its own methods alone. */
const ONCE = ALL;

/** The columns that closing a call writes into the ledger. Who made it, when and for what cannot be changed. */
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
    subscriptions: `select, insert (tenant_id, id, plan_id, current_period_start),
      update (plan_id, limits)`,
    plans: 'select',
    idempotency_keys: ONCE,
    outbox: EMIT,
  },
  task: { tasks: ALL, jobs: 'select', idempotency_keys: ONCE, outbox: EMIT },
  chat: {
    conversations: ALL,
    conversation_participants: ALL,
    deleted_participants: ALL,
    messages: ALL,
    message_regenerations: ALL,
    message_summaries: ALL,
    conversation_shares: ALL,
    message_feedback: ALL,
    files: ALL,
    conversation_files: ALL,
    agents: 'select (tenant_id, id, automatic_titles, context_messages, summarize)',
    tenants: 'select (id, status)',
    subscriptions: 'select (tenant_id, plan_id, status, limits)',
    plans: 'select',
    idempotency_keys: ONCE,
    outbox: EMIT,
  },
  orchestrator: {
    providers: ALL,
    provider_credentials: ALL,
    agents: ALL,
    agent_runs: ALL,
    tools: ALL,
    tool_executions: ALL,
    run_steps: ALL,
    conversation_participants: 'select',
    usage_records: `select, insert, ${CLOSE_CALL}`,
    prices: 'select',
    tenant_prices: 'select',
    subscriptions: 'select (tenant_id, plan_id, status, limits)',
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

/** Returns idempotent SQL for one transaction of the migrator, after `revokeSql`. Partitions stay without grants. */
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
