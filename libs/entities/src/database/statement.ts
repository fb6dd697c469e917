import { createHash } from 'node:crypto';

/** What is known of a statement by its text. */
interface StatementFacts {
  /** Under which it is prepared. */
  name: string;
  /** Whether it writes into the outbox, so that its commit wakes the relays. */
  emits: boolean;
}

const EMITS = /\binsert into outbox\b/;

const known = new Map<string, StatementFacts>();

/** Made once per text. The texts of a process are bounded: values travel as parameters. */
export function statementOf(sql: string): StatementFacts {
  const facts = known.get(sql) ?? { name: nameOf(sql), emits: EMITS.test(sql) };
  known.set(sql, facts);
  return facts;
}

/** PostgreSQL keeps 63 bytes of a name. */
const nameOf = (sql: string) => createHash('sha256').update(sql).digest('hex').slice(0, 32);
