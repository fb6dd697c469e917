import { createHash } from 'node:crypto';

/** What is known of a statement by its text. */
interface StatementFacts {
  /** The name under which it is prepared. */
  name: string;
  /** Whether it writes into the outbox, so that its commit wakes the relays. */
  emits: boolean;
  /** Whether it may change something. */
  writes: boolean;
}

const READS = /^\s*select\b/i;
const EMITS = /\binsert into outbox\b/;

const known = new Map<string, StatementFacts>();

/** Returns the facts of a statement, made once per text. The texts of a process are bounded, because values travel as parameters. */
export function statementOf(text: string): StatementFacts {
  const facts = known.get(text);
  if (facts) return facts;
  const made = { name: nameOf(text), emits: EMITS.test(text), writes: !READS.test(text) };
  known.set(text, made);
  return made;
}

/** PostgreSQL keeps 63 bytes of a name. */
const nameOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

let lister: ((text: string) => void) | undefined;

/** Declares a statement of the fleet, where its module is loaded: `npm run statements` lists all that are. */
export function sql(text: string): string {
  lister?.(text);
  return text;
}

/** Has `list` called with each statement as it is declared, from now on. */
export const listStatements = (list: (text: string) => void): void => void (lister = list);
