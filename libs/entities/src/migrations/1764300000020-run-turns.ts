import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds the runs of one tenant that nobody executes, however many it has. The function changes its arguments, and is made anew behind the migrations. */
const SQL = `
  create index idx_agent_runs_turns on agent_runs (tenant_id, lease_until, created_at) where status in ('queued', 'running');
  drop index idx_agent_runs_lease;
  drop function if exists claim_runs(text, integer, integer);
`;

export class RunTurns1764300000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create index idx_agent_runs_lease on agent_runs (lease_until) where status in ('queued', 'running');
      drop index idx_agent_runs_turns;`);
  }
}
