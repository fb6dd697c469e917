import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Finds the tenants that have files to be swept, and a few of each, however many one has. The function is made anew behind the migrations. */
const SQL = `
  create index idx_files_turns on files (tenant_id, created_at) where status <> 'ready';
  drop index idx_files_unfinished;
`;

export class FileTurns1764300000107 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create index idx_files_unfinished on files (created_at) where status <> 'ready';
      drop index idx_files_turns;`);
  }
}
