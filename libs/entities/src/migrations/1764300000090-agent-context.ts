import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How much of a conversation an agent is shown: 20 messages, as it always was, unless it says otherwise. */
const SQL = `
  alter table agents
    add column context_messages integer not null default 20,
    add column context_tokens integer,
    add column summarize boolean not null default false;
`;

export class AgentContext1764300000090 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SQL);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'alter table agents drop column context_messages, drop column context_tokens, drop column summarize',
    );
  }
}
