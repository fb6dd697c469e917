import type { Client } from 'pg';
import { DataSource } from 'typeorm';
import { withClient } from './connect';
import { migratorOptions } from './migrator';

const SCRATCH = 'drift_check';

/** Selects keys, checks and indexes of a schema's tables as SQL, without what entities cannot say. The parameters are the schema and the tables. */
const STRUCTURE = `
  select c.relname || ': ' || definition as line
  from pg_class c
  cross join lateral (
    select k.conname || ' ' || regexp_replace(pg_get_constraintdef(k.oid), 'SET NULL \\(.*\\)', 'SET NULL') as definition
    from pg_constraint k where k.conrelid = c.oid and k.contype in ('c', 'f', 'p', 'u')
    union all
    select regexp_replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
    from pg_index i where i.indrelid = c.oid
  ) as part
  where c.relnamespace = $1::text::regnamespace and c.relname = any ($2)`;

/**
 * How the migrated schema differs from the entities; empty when it does not. TypeORM compares columns, but constraints and
 * indexes by name alone: these are built from the entities a second time, in a schema that is rolled back, and compared.
 */
export const findDrift = (url: string): Promise<string[]> =>
  withClient(url, 'MIGRATOR_DATABASE_URL', async (client) => {
    const pending = await schemaSql(url);
    const wanted = await schemaSql(url, SCRATCH);
    await client.query(`begin; create schema ${SCRATCH}; set local search_path = ${SCRATCH}`);
    for (const sql of wanted.queries) await client.query(sql);
    const entities = await readStructure(client, SCRATCH, wanted.tables);
    const database = await readStructure(client, 'public', wanted.tables);
    await client.query('rollback');
    return [
      ...pending.queries.map((sql) => `to be run: ${sql}`),
      ...entities.filter((line) => !database.includes(line)).map((line) => `only in the entities: ${line}`),
      ...database.filter((line) => !entities.includes(line)).map((line) => `only in the database: ${line}`),
    ];
  });

/** Resolves to what TypeORM would run to make the schema match the entities. */
async function schemaSql(url: string, schema?: string): Promise<{ queries: string[]; tables: string[] }> {
  const dataSource = await new DataSource({ ...migratorOptions(url), ...(schema && { schema }) }).initialize();
  try {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    const tables = dataSource.entityMetadatas.map(({ tableName }) => tableName);
    return { queries: upQueries.map(({ query }) => query), tables };
  } finally {
    await dataSource.destroy();
  }
}

async function readStructure(client: Client, schema: string, tables: string[]): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(STRUCTURE, [schema, tables]);
  return rows.map(({ line }) => line.replaceAll(`${schema}.`, ''));
}
