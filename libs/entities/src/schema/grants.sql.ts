/** What the runtime role may do, table by table; anything else is refused. Applied after the migrations: edit it in place. */

const ALL = 'select, insert, update, delete';
const APPEND = 'select, insert';

const grants: Record<string, string> = {
  plans: 'select',
  prices: 'select',
  tenants: 'select, insert, update',
  subscriptions: ALL,
  users: ALL,
  sessions: ALL,
  api_keys: ALL,
  roles: ALL,
  one_time_tokens: ALL,
  used_refresh_tokens: ALL,
  access_changes: APPEND,
  audit_logs: APPEND,
  audit_heads: 'select, insert, update',
  providers: ALL,
  provider_credentials: ALL,
  agents: ALL,
  agent_runs: ALL,
  tools: ALL,
  tool_executions: ALL,
  tasks: ALL,
  jobs: ALL,
  job_chunks: ALL,
  conversations: ALL,
  messages: ALL,
  webhooks: ALL,
  webhook_deliveries: ALL,
  usage_records: 'select, insert, update',
  outbox: ALL,
  idempotency_keys: ALL,
};

/** Idempotent SQL for one transaction of the migrator. Partitions stay without grants. `runtimeRole`: a quoted identifier. */
export const grantsSql = (runtimeRole: string) => `
  grant usage on schema public to ${runtimeRole};
  revoke all on all tables in schema public from ${runtimeRole};
  ${Object.entries(grants)
    .map(([table, verbs]) => `grant ${verbs} on public.${table} to ${runtimeRole};`)
    .join('\n  ')}
  revoke all on all sequences in schema public from ${runtimeRole};
  grant usage on sequence public.access_changes_seq_seq to ${runtimeRole};
  grant execute on function public.create_usage_partitions() to ${runtimeRole};
`;
