import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What becomes of a message while the one before is still being answered; as it always was, unless the agent says otherwise. */
const SQL = `
  alter table agents add column concurrent_turns text not null default 'parallel'
    constraint agents_concurrent_turns_check check (concurrent_turns in ('parallel', 'reject', 'interrupt'));
`;

export class ConcurrentTurns1764300000079 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table agents drop column concurrent_turns');
  }
}
