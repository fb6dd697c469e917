import type { Client } from 'pg';
import { v7 } from 'uuid';

export type Row = Record<string, unknown>;

interface Column {
  name: string;
  type: string;
  /** Whether a row must name it. */
  is_required: boolean;
  /** The literal of the column's CHECK that stands last. */
  allowed: string | null;
  /** The table that a foreign key of the column refers to. */
  parent: string | null;
}

export interface TableFacts {
  name: string;
  /** The column whose value is the tenant. */
  tenant_column: string;
  key: string[];
  columns: Column[];
}

/** Selects every table with row level security but the partitions, parents before their children. */
const TABLES = `
  with recursive guarded as (
    select c.oid, c.relname from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relrowsecurity and not c.relispartition
  ), depth as (
    select oid, 0 as level from guarded
    union
    select k.conrelid, d.level + 1 from pg_constraint k join depth d on d.oid = k.confrelid
    where k.contype = 'f' and k.conrelid <> k.confrelid and k.conrelid in (select oid from guarded)
  )
  select g.relname as name,
    case when exists (select from pg_attribute where attrelid = g.oid and attname = 'tenant_id')
      then 'tenant_id' else 'id' end as tenant_column,
    (select array_agg(a.attname::text order by a.attnum) from pg_index i
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
      where i.indrelid = g.oid and i.indisprimary) as key,
    (select json_agg(json_build_object(
        'name', a.attname,
        'type', format_type(a.atttypid, a.atttypmod),
        'is_required', a.attnotnull and not a.atthasdef,
        'allowed', (select substring(pg_get_constraintdef(k.oid) from '.*''([a-z_]+)''::text') from pg_constraint k
          where k.conrelid = g.oid and k.contype = 'c' and k.conkey = array[a.attnum]),
        'parent', (select k.confrelid::regclass::text from pg_constraint k
          where k.conrelid = g.oid and k.contype = 'f' and k.conkey[cardinality(k.conkey)] = a.attnum)
      ) order by a.attnum)
      from pg_attribute a where a.attrelid = g.oid and a.attnum > 0 and not a.attisdropped) as columns
  from guarded g order by (select max(level) from depth where depth.oid = g.oid), g.relname`;

export const readTables = async (client: Client): Promise<TableFacts[]> =>
  (await client.query<TableFacts>(TABLES)).rows;

const VALUES: Record<string, () => unknown> = {
  uuid: v7,
  text: () => `text-${v7()}`,
  'text[]': () => [],
  json: () => '{}',
  jsonb: () => '{}',
  boolean: () => true,
  integer: () => 1,
  bytea: () => Buffer.from('bytes'),
  bigint: () => Date.now(),
  'timestamp with time zone': () => new Date(),
};

/** Returns a row that fits the table's types, checks and foreign keys. `parents` holds the tenant's row of each table before it. */
export function makeRow(table: TableFacts, tenantId: string, parents: ReadonlyMap<string, Row>): Row {
  const row: Row = {};
  for (const { name, type, is_required, allowed, parent } of table.columns) {
    if (name === table.tenant_column) row[name] = tenantId;
    else if (parent && parent !== 'plans') row[name] = parents.get(parent)?.['id'];
    else if (parent) row[name] = 'unlimited';
    else if (allowed) row[name] = allowed;
    else if (is_required) row[name] = valueOf(type);
  }
  return row;
}

function valueOf(type: string): unknown {
  const make = VALUES[type];
  if (!make) throw new Error(`The row generator knows no value of type ${type}: teach it one.`);
  return make();
}

/** Adds the row; resolves to what `returning` says of it. */
export async function insertRow(client: Client, table: string, row: Row, returning = ''): Promise<Row> {
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  const { rows } = await client.query<Row>(
    `insert into ${table} (${names.join(', ')}) values (${places.join(', ')}) ${returning}`,
    names.map((name) => row[name]),
  );
  return { ...rows[0] };
}

/** Adds one row to every table for a tenant, as superuser. Resolves to the rows by table. */
export async function fillTenant(client: Client, tables: TableFacts[], tenantId: string): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>();
  for (const table of tables) {
    rows.set(table.name, await insertRow(client, table.name, makeRow(table, tenantId, rows), 'returning *'));
  }
  return rows;
}
