import type { DatabaseService } from '@taai/contracts';

/**
 * Which service answers for the rows of which table when a tenant is exported or erased: every table with rows of tenants
 * stands here once, what refers before what is referred to. Of the tables that all services share, the owner is whoever clears
 * them away otherwise.
 */
export const tenantTables: Record<DatabaseService, readonly string[]> = {
  webhook: ['webhook_deliveries', 'webhooks', 'outbox'],
  chat: [
    'conversation_shares',
    'message_feedback',
    'message_regenerations',
    'message_summaries',
    'conversation_files',
    'conversation_participants',
    'deleted_participants',
    'messages',
    'conversations',
    'files',
  ],
  task: ['tasks'],
  usage: ['usage_records', 'subscriptions', 'tenant_prices'],
  orchestrator: ['tool_executions', 'run_steps', 'tools', 'agent_runs', 'agents', 'provider_credentials', 'providers'],
  auth: [
    'job_chunks',
    'jobs',
    'idempotency_keys',
    'used_refresh_tokens',
    'sessions',
    'api_keys',
    'one_time_tokens',
    'users',
    'roles',
    'audit_logs',
    'audit_heads',
    'access_changes',
    'tenants',
  ],
};

/**
 * Tables that the service which answers for them may not delete from, or not all of: the resolver function `erase_<table>` does it,
 * for a tenant whose time has come and no other. With the columns that tell a tenant's rows apart.
 */
export const guardedTables: Readonly<Record<string, readonly string[]>> = {
  audit_logs: ['id'],
  audit_heads: ['tenant_id'],
  access_changes: ['seq'],
  idempotency_keys: ['user_id', 'method', 'key'],
  usage_records: ['call_id'],
};

/**
 * An export that read the archives, which it writes, would never end; and the answers kept for a day for repeated requests are
 * copies of rows that are exported.
 */
const unexportedTables = ['job_chunks', 'idempotency_keys'];

/** Returns the tables that a service exports. */
export const exportedTables = (service: DatabaseService) =>
  tenantTables[service].filter((table) => !unexportedTables.includes(table));

/** Columns that no export has: secrets, hashes that a guess could be compared with, and indexes of what is there anyway. */
export const unexportedColumns: Readonly<Record<string, readonly string[]>> = {
  users: ['password_hash'],
  sessions: ['refresh_token_hash', 'refresh_salt'],
  used_refresh_tokens: ['token_hash'],
  one_time_tokens: ['token_hash'],
  api_keys: ['key_hash'],
  provider_credentials: ['ciphertext'],
  conversation_shares: ['token_hash'],
  messages: ['search'],
  conversations: ['search'],
  tools: ['secret_ciphertext', 'secret_key_id'],
  webhooks: ['secret_ciphertext', 'secret_key_id'],
};
