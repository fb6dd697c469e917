import { DatabaseError, type Connection } from 'pg';
import Query, { type RowDescription } from 'pg/lib/query.js';
import { SET_TENANT } from './tx';

/** The name of the statement that sets the tenant. */
export const TENANT_STATEMENT = 'set_tenant';

export interface Statement {
  name?: string;
  text: string;
  values: readonly unknown[];
}

/** What the query is confined to. */
export interface Scope {
  tenant_id: string;
  /** The most that the server may take for the statement; null: as long as the role allows. */
  timeout_ms: string | null;
}

/** After it the server goes on to ReadyForQuery; after FATAL it hangs up. */
const isStatementError = (error: Error) => error instanceof DatabaseError && error.severity === 'ERROR';

/** The columns of each connection's prepared statements: a statement whose columns change fails, and never answers with others. */
const described = new WeakMap<Connection, Map<string, RowDescription>>();

function columnsOf(connection: Connection): Map<string, RowDescription> {
  const columns = described.get(connection) ?? new Map<string, RowDescription>();
  described.set(connection, columns);
  return columns;
}

/** The messages of one query, sent as one buffer: pg would hand the socket six small ones, the costliest call in a profile of lists. */
class Batch {
  readonly connection: Connection;
  private readonly messages: Buffer[] = [];

  /** @param isDescribed Whether the columns are known, so that the server need not tell them. */
  constructor(
    private readonly target: Connection,
    isDescribed: boolean,
  ) {
    const collect = (message: Buffer) => void this.messages.push(message);
    const skip = { describe: { value: () => undefined } };
    this.connection = Object.create(target, { _send: { value: collect }, ...(isDescribed && skip) }) as Connection;
  }

  send(): void {
    if (this.target.stream.writable) this.target.stream.write(Buffer.concat(this.messages));
  }
}

/**
 * A query behind a set_config under one Sync: one round trip, and by the protocol one implicit transaction, so that the tenant
 * ends with it. Calls back once, when the server is at rest or the connection is lost.
 */
export class RlsQuery<Row extends object> extends Query<Row> {
  private columns: Map<string, RowDescription> | undefined;
  private isScoped = false;
  /** Whether the server waits for the next query, so that the connection may be used again. */
  isAtRest = false;

  constructor(
    private readonly scope: Scope,
    statement: Statement,
    callback: (error: Error | null, result: { rows: Row[] }) => void,
  ) {
    super({ ...statement, queryMode: 'extended' }, callback);
  }

  override prepare(connection: Connection): void {
    this.columns = columnsOf(connection);
    const known = this.columns.get(this.name ?? '');
    const batch = new Batch(connection, known !== undefined);
    if (!this.name) batch.connection.parse({ name: '', text: SET_TENANT, types: [] }, true);
    batch.connection.bind(
      { statement: this.name && TENANT_STATEMENT, values: [this.scope.tenant_id, this.scope.timeout_ms] },
      true,
    );
    batch.connection.execute({}, true);
    super.prepare(batch.connection);
    if (known) super.handleRowDescription(known);
    batch.send();
  }

  override handleRowDescription(message: RowDescription): void {
    if (this.name) this.columns?.set(this.name, message);
    super.handleRowDescription(message);
  }

  override handleDataRow(message: unknown): void {
    if (this.isScoped) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, connection: Connection): void {
    if (this.isScoped) super.handleCommandComplete(message, connection);
    this.isScoped = true;
  }

  override handleReadyForQuery(connection: Connection): void {
    this.isAtRest = true;
    if (this.name && !this.columns?.has(this.name)) this.columns?.set(this.name, { fields: [] });
    super.handleReadyForQuery(connection);
  }

  override handleError(error: Error, connection: Connection): void {
    if (this.isAtRest || !isStatementError(error)) return super.handleError(error, connection);
    const finish = (isAtRest: boolean) => {
      connection.off('readyForQuery', onReady).off('end', onEnd);
      this.isAtRest = isAtRest;
      super.handleError(error, connection);
    };
    const onReady = () => finish(true);
    const onEnd = () => finish(false);
    connection.once('readyForQuery', onReady).once('end', onEnd);
  }
}
