import type { MigrationInterface, QueryRunner } from 'typeorm';
import { canonicalEmail } from '../email';

interface Row {
  tenant_id: string;
  id: string;
  email: string;
}

/** Those that `canonicalEmail` may change: what is lower-case ASCII, and does not end in a dot, stays as it is. */
const FIND = `
  select tenant_id, id, email from users where email !~ '^[\\x21-\\x7e]+$' or email like '%.' order by created_at, id`;

const MOVE = `
  update users set email = $3, updated_at = now()
  where tenant_id = $1 and id = $2 and not exists (select from users where email = $3)`;

/**
 * Addresses are stored under one spelling, also of their domain. Where that spelling is another user's, the row stays as it is: its
 * user cannot log in by it any more, and the other one can.
 */
export class CanonicalEmails1764300000030 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table users no force row level security');
    const rows = (await runner.query(FIND)) as Row[];
    for (const { tenant_id, id, email } of rows) await runner.query(MOVE, [tenant_id, id, canonicalEmail(email)]);
    await runner.query('alter table users force row level security');
  }

  async down(): Promise<void> {
    throw new Error('The former spellings of addresses are not kept.');
  }
}
