import { ProblemError, type DatabaseService, type TenantRows } from '@taai/contracts';
import type { EntityMetadata } from 'typeorm';
import { exportedTables, unexportedColumns } from './tenant-tables';
import type { Tx } from '../database/tx';

/** How many characters one answer has at most, which is 1 MB in UTF-8. It passes through one RPC as JSON, and through another in base64. */
const MAX_LENGTH = 250_000;
const MAX_ROWS = 250;

type Key = Record<string, unknown>;

/** Where reading goes on: in this table, behind the row with this key, or within that row. */
interface Place {
  table: string;
  key?: Key;
  /** For a row that is longer than one answer: how many characters of its line were read, and of which version of the row. */
  within?: { offset: number; version: string };
}

interface Line {
  key: Key;
  version: string;
  /** The line from the offset on, at most `MAX_LENGTH` characters. */
  text: string;
  is_cut: boolean;
}

/**
 * The next of the tenant's rows in the service's tables as JSON lines, by primary key; `cursor` is `next_cursor` of the answer
 * before. Throws `conflict` when a row changed of which a part was read already, and `invalid_cursor`.
 */
export async function readTenantRows(tx: Tx, service: DatabaseService, cursor?: string): Promise<TenantRows> {
  const tables = exportedTables(service);
  for (
    let place = cursor === undefined ? firstOf(tables) : placeOf(cursor, tables);
    place;
    place = after(tables, place)
  ) {
    const lines = await readLines(tx, place);
    const last = lines.at(-1);
    if (!last && place.within) throw new ProblemError('conflict', 'A row was changed while it was read.');
    if (last)
      return {
        table: place.table,
        lines: lines.map(({ text }) => text).join(''),
        next_cursor: JSON.stringify(next(place, last)),
      };
  }
  return { table: null, lines: '', next_cursor: null };
}

/** Counts the lines that `readTenantRows` reads in all. */
export async function countTenantRows(tx: Tx, service: DatabaseService): Promise<number> {
  const counts = exportedTables(service)
    .map((table) => `(select count(*) from ${table})`)
    .join(' + ');
  const [answer] = await tx.read<{ count: number }>(`select ${counts} as count`);
  return answer?.count ?? 0;
}

const firstOf = ([table]: readonly string[]): Place | undefined => (table === undefined ? undefined : { table });

/** Returns the beginning of the next table; undefined after the last. */
const after = (tables: readonly string[], { table }: Place) => firstOf(tables.slice(tables.indexOf(table) + 1));

function next({ table, within }: Place, { key, version, is_cut }: Line): Place {
  return is_cut ? { table, key, within: { version, offset: (within?.offset ?? 0) + MAX_LENGTH } } : { table, key };
}

function readLines(tx: Tx, place: Place): Promise<Line[]> {
  const { table, key, within } = place;
  const params = [within?.offset ?? 0, ...(key ? [JSON.stringify(key)] : []), ...(within ? [within.version] : [])];
  return tx.read<Line>(linesSql(tx.dataSource.getMetadata(table), place), params);
}

const columnsOf = (alias: string, names: string[]) => names.map((name) => `${alias}."${name}"`).join(', ');

/** The parameters of the statement are the offset, the key and the version. */
function linesSql({ columns, primaryColumns }: EntityMetadata, place: Place): string {
  const { table } = place;
  const left = unexportedColumns[table] ?? [];
  const keys = primaryColumns.map(({ databaseName }) => databaseName);
  const exported = columns.map(({ databaseName }) => databaseName).filter((name) => !left.includes(name));
  const selected = columnsOf('t', [...new Set([...keys, ...exported])]);
  return `
    with page as (
      select t.xmin::text as row_version, ${selected} from ${table} t where ${conditionOf(place, keys)}
      order by ${columnsOf('t', keys)} limit ${MAX_ROWS}
    ), line as (
      select row_number() over (order by ${columnsOf('p', keys)}) as number, row_version as version,
        jsonb_build_object(${keys.map((name) => `'${name}', p."${name}"`).join(', ')}) as key,
        json_build_object('table', '${table}', 'row', (select to_jsonb(r) from (select ${columnsOf('p', exported)}) r))::text
          || E'\\n' as text
      from page p
    ), measured as (
      select *, sum(length(text)) over (order by number) as sum from line
    )
    select key, version, substr(text, $1::integer + 1, ${MAX_LENGTH}) as text,
      length(text) > $1::integer + ${MAX_LENGTH} as is_cut
    from measured where number = 1 or sum <= ${MAX_LENGTH} order by number`;
}

function conditionOf({ table, key, within }: Place, keys: string[]): string {
  if (!key) return 'true';
  const given = `(select ${columnsOf('k', keys)} from jsonb_populate_record(null::${table}, $2::jsonb) k)`;
  const own = `(${columnsOf('t', keys)})`;
  return within ? `${own} = ${given} and t.xmin::text = $3` : `${own} > ${given}`;
}

/** Reads what `next` wrote. Table names go into SQL: no other than the service's own. */
function placeOf(cursor: string, tables: readonly string[]): Place {
  const place: unknown = JSON.parse(cursor);
  if (isPlace(place) && tables.includes(place.table)) return place;
  throw new ProblemError('invalid_cursor');
}

const isPlace = (value: unknown): value is Place =>
  typeof value === 'object' && value !== null && 'table' in value && typeof value.table === 'string';
