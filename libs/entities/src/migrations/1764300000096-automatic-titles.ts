import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Agents may name the conversations that they answer, which costs a small call. Those that exist are not told to: their tenants have not
 * asked for it. `title_asked_at` keeps two replicas from asking for the same title.
 */
const SQL = `
  alter table agents add column automatic_titles boolean not null default false;
  alter table agents add column title_model jsonb;
  alter table conversations add column title_asked_at timestamptz;
`;

export class AutomaticTitles1764300000096 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table agents drop column automatic_titles;
      alter table agents drop column title_model;
      alter table conversations drop column title_asked_at;`);
  }
}
