/** The class behind every query of `pg`, which its published types leave out. Names and order of calls: its lib/client.js. */
declare module 'pg/lib/query.js' {
  import type { Connection } from 'pg';

  export interface QueryConfig {
    /** Absent: unnamed, parsed anew each time. */
    name?: string;
    text: string;
    values: readonly unknown[];
    queryMode: 'extended';
  }

  /** The names and types of a statement's columns. */
  export interface RowDescription {
    readonly fields: readonly unknown[];
  }

  export default class Query<Row extends object> {
    readonly name?: string;
    constructor(config: QueryConfig, callback: (error: Error | null, result: { rows: Row[] }) => void);
    submit(connection: Connection): void;
    /** Writes Parse (unless known), Bind, Describe, Execute and Sync. */
    prepare(connection: Connection): void;
    handleRowDescription(message: RowDescription): void;
    handleDataRow(message: unknown): void;
    handleCommandComplete(message: unknown, connection: Connection): void;
    /** Calls back with the error: one of the server while its ReadyForQuery is still to come, or a broken connection. */
    handleError(error: Error, connection: Connection): void;
    /** Calls back with the result, or with the error of a row that could not be read. */
    handleReadyForQuery(connection: Connection): void;
  }
}
