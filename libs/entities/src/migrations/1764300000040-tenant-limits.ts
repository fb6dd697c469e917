import type { MigrationInterface, QueryRunner } from 'typeorm';

/** By plan: requests per minute of the tenant and of a user, tokens per minute, runs, streams, door calls, SSE readers, requests in flight. */
const PLANS = {
  free: [100, 50, 50_000, 5, 10, 10, 20, 50],
  pro: [1000, 500, 500_000, 50, 100, 100, 200, 200],
  enterprise: [10_000, 5000, 5_000_000, 500, 1000, 1000, 2000, 1000],
  unlimited: [null, null, null, 2000, 2000, 2000, 5000, 2000],
};

const updates = Object.entries(PLANS).map(([plan, numbers]) => {
  const [tenant, user, tokens, active_runs, open_streams, door_calls, sse_readers, requests_in_flight] = numbers;
  const limits = {
    requests_per_minute: tenant,
    requests_per_minute_per_user: user,
    tokens_per_minute: tokens,
    active_runs,
    open_streams,
    door_calls,
    sse_readers,
    requests_in_flight,
  };
  return `update plans set limits = '${JSON.stringify(limits)}' where id = '${plan}';`;
});

/** What plans allow, and what a tenant is allowed instead: `plans.limits || subscriptions.limits`. */
const SQL = `
  ${updates.join('\n  ')}
  alter table subscriptions add column limits jsonb not null default '{}';
`;

export class TenantLimits1764300000040 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(): Promise<void> {
    throw new Error('The limits of plans are not undone: restore a backup instead.');
  }
}
