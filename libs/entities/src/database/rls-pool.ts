import { currentCaller, currentContext } from '@taai/tenant';
import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';
import { wakerOf } from '../outbox/wake';
import { poolOf, type DatabaseConfig } from './data-source';
import { throwExplained } from './database-failure';
import { RlsQuery, TENANT_STATEMENT, type Statement } from './rls-query';
import { statementOf } from './statement';
import { statementTimeout } from './statement-deadline';
import { SET_TENANT, type Reader, type Tx } from './tx';
import { withTenant } from './with-tenant';

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

  /**
   * Runs one statement that changes nothing, for the caller's tenant. Throws without a caller, `deadline_exceeded` when nobody waits
   * for it any longer, `service_unavailable` when the database is away, and what the database throws.
   */
  async read<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    return this.queryFor<Row>(currentCaller().tenant_id, sql, params);
  }

  /**
   * Runs one statement that changes something, and resolves to its rows (none without RETURNING). In a method that is once per
   * key, called with a key, it is the key's transaction: see `withTenant`. Throws `outcome_unknown` when the database got lost meanwhile.
   */
  async write<Row extends object>(sql: string, params?: readonly unknown[]): Promise<Row[]> {
    if (!currentContext()?.once) return this.queryFor<Row>(currentCaller().tenant_id, sql, params);
    return withTenant(this.dataSource, (tx) => tx.write<Row>(sql, params));
  }

  /** The same for a statement that inserts `row`, which it need not return: resolves to it, or by the key to the row of then. */
  async insert<Row extends object>(sql: string, params: readonly unknown[], row: Row): Promise<Row> {
    const insert = async (db: Pick<Tx, 'write'>) => {
      await db.write(sql, params);
      return row;
    };
    return currentContext()?.once ? withTenant(this.dataSource, insert) : insert(this);
  }

  /** Runs a statement of either kind for a tenant that a resolver function named. */
  async queryFor<Row extends object>(tenantId: string, text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const { name, emits, writes } = statementOf(text);
    const statement = { text, values, ...(this.options.prepare && { name }) };
    const client = await this.connect().catch((error: unknown) => throwExplained(error));
    const rows = await send<Row>(client, tenantId, statement).catch((error: unknown) => throwExplained(error, writes));
    if (emits) wakerOf(this.dataSource)();
    return rows;
  }

  private async connect(): Promise<PoolClient> {
    const client = await this.pool.connect();
    if (this.known.has(client)) return client;
    try {
      await this.introduce(client);
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /**
   * Prepares the statement that sets the tenant by itself, once per connection: with two Parse messages in one query, pg would
   * take the first one's success for that of the second.
   */
  private async introduce(client: PoolClient): Promise<void> {
    // A connection that breaks fails its query; without a listener it would end the process, too.
    client.on('error', () => undefined);
    if (this.options.prepare) await client.query({ name: TENANT_STATEMENT, text: SET_TENANT, values: ['', null] });
    this.known.add(client);
  }
}

/** Runs the statement, and gives the connection back: to be used again only if the server is at rest. */
async function send<Row extends object>(client: PoolClient, tenant_id: string, statement: Statement): Promise<Row[]> {
  let isAtRest = true;
  try {
    const scope = { tenant_id, timeout_ms: statementTimeout() };
    isAtRest = false;
    return await new Promise<Row[]>((resolve, reject) => {
      const query = new RlsQuery<Row>(scope, statement, (error, result) => {
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
