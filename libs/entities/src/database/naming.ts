import { DefaultNamingStrategy, type Table } from 'typeorm';

const tableName = (table: Table | string) => (typeof table === 'string' ? table : table.name).split('.').at(-1) ?? '';

/** Names constraints as PostgreSQL does, so that hand-written SQL and entities agree without hashes. */
export class PostgresNaming extends DefaultNamingStrategy {
  override primaryKeyName(table: Table | string): string {
    return `${tableName(table)}_pkey`;
  }

  override foreignKeyName(table: Table | string, columns: string[]): string {
    return `${tableName(table)}_${columns.at(-1)}_fkey`;
  }
}
