import type { DataSource } from 'typeorm';

/** What an operator may ask for. */
export interface Command {
  /** Names of its arguments, all of them required. */
  takes: readonly string[];
  summary: string;
  /** Resolves to what is printed. Throws `AdminError` for what an operator can put right. */
  run(db: DataSource, args: readonly string[]): Promise<string>;
}

/** A failure whose message is all that an operator needs to know. */
export class AdminError extends Error {}
