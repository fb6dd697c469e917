import { currentCaller, currentContext } from '@taai/tenant';
import { DatabaseError, type Connection, type Pool, type PoolClient } from 'pg';
import Query, { type RowDescription } from 'pg/lib/query.js';
import type { DataSource } from 'typeorm';
import { poolOf, type DatabaseConfig } from './data-source';
import { wakerOf } from '../outbox/wake';
import { statementOf } from './statement';
import { SET_TENANT, type Reader } from './tx';
import { withTenant } from './with-tenant';

const TENANT_STATEMENT = 'set_tenant';

interface Statement {
  name?: string;
  text: string;
  values: readonly unknown[];
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
class RlsQuery<Row extends object> extends Query<Row> {
  private columns: Map<string, RowDescription> | undefined;
  private isScoped = false;
  /** Whether the server waits for the next query, so that the connection may be used again. */
  isAtRest = false;

  constructor(
    private readonly tenantId: string,
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
    batch.connection.bind({ statement: this.name && TENANT_STATEMENT, values: [this.tenantId] }, true);
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

/**
 * Prepared SQL within a tenant and in one round trip, on the data source's own connections. All that runs here is known by its
 * text alone: a statement is prepared once per connection, under a name made of it.
 */
export class RlsPool implements Reader {
  private readonly known = new WeakSet<PoolClient>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly options: Pick<DatabaseConfig, 'prepare'>,
    private readonly pool: Pool = poolOf(dataSource),
  ) {}

  /** Runs one statement that changes nothing, for the caller's tenant. Throws without a caller, and what the database throws. */
  async read<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    return this.queryFor<Row>(currentCaller().tenant_id, sql, params);
  }

  /**
   * Runs one statement that changes something, and resolves to its rows (none without RETURNING). In a method that is once per
   * key, called with a key, it is the key's transaction: see `withTenant`.
   */
  async write<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    const { caller, once } = currentContext() ?? {};
    if (!caller || !once) return this.queryFor<Row>(currentCaller().tenant_id, sql, params);
    return withTenant(this.dataSource, (tx) => tx.write<Row>(sql, params));
  }

  /** Runs a statement of either kind for a tenant that a resolver function named. */
  async queryFor<Row extends object>(tenantId: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { name, emits } = statementOf(text);
    const rows = await this.send<Row>(tenantId, { text, values, ...(this.options.prepare && { name }) });
    if (emits) wakerOf(this.dataSource)();
    return rows;
  }

  private async send<Row extends object>(tenantId: string, statement: Statement): Promise<Row[]> {
    const client = await this.pool.connect();
    let isAtRest = false;
    try {
      if (!this.known.has(client)) await this.introduce(client);
      return await new Promise<Row[]>((resolve, reject) => {
        const query = new RlsQuery<Row>(tenantId, statement, (error, result) => {
          isAtRest = query.isAtRest;
          if (error) reject(error);
          else resolve(result.rows);
        });
        client.query(query);
      });
    } finally {
      client.release(!isAtRest);
    }
  }

  /**
   * Prepares the statement that sets the tenant by itself, once per connection: with two Parse messages in one query, pg would
   * take the first one's success for that of the second.
   */
  private async introduce(client: PoolClient): Promise<void> {
    // A connection that breaks fails its query; without a listener it would end the process, too.
    client.on('error', () => undefined);
    if (this.options.prepare) await client.query({ name: TENANT_STATEMENT, text: SET_TENANT, values: [''] });
    this.known.add(client);
  }
}
