import { Client } from 'pg';

/** One statement as superuser, who sees every tenant's rows: what no client could do. */
export async function asSuperuser<Row extends object>(
  url: string,
  sql: string,
  params: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql, params)).rows;
  } finally {
    await client.end();
  }
}
