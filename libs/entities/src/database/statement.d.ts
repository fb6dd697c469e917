/** What is known of a statement by its text. */
interface StatementFacts {
  /** Under which it is prepared. */
  name: string;
  /** Whether it writes into the outbox, so that its commit wakes the relays. */
  emits: boolean;
}
/** Made once per text. The texts of a process are bounded: values travel as parameters. */
export declare function statementOf(text: string): StatementFacts;
/** Declares a statement of the fleet, where its module is loaded: `npm run statements` lists all that are. */
export declare function sql(text: string): string;
/** Has `list` called with each statement as it is declared, from now on. */
export declare const listStatements: (list: (text: string) => void) => void;
export {};
