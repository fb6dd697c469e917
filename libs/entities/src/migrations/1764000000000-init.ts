import type { MigrationInterface, QueryRunner } from 'typeorm';
import { AI_SQL } from './init/ai.sql';
import { IDENTITY_SQL } from './init/identity.sql';
import { MONEY_SQL } from './init/money.sql';
import { SEED_SQL } from './init/seed.sql';
import { WORK_SQL } from './init/work.sql';

/** Every table of the first release, its row level security, plans and prices. */
export class Init1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [IDENTITY_SQL, AI_SQL, WORK_SQL, MONEY_SQL, SEED_SQL]) await runner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('The first migration is not undone: drop the database instead.');
  }
}
