import { ProblemError, type PageOf } from '@taai/contracts';

/** Where a list goes on: the sort keys of the last row shown. Opaque to clients. */
export type CursorKeys = readonly (string | number | null)[];

/**
 * Cuts `rows`, of which one more than `limit` was asked for, to a page. `keysOf` names the sort keys that the next page
 * starts after.
 */
export function toPage<T>(rows: T[], limit: number, keysOf: (row: T) => CursorKeys): PageOf<T> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const has_more = rows.length > limit;
  return { data, has_more, next_cursor: has_more && last !== undefined ? writeCursor(keysOf(last)) : null };
}

const writeCursor = (keys: CursorKeys) => Buffer.from(JSON.stringify(keys)).toString('base64url');

/** The keys of a cursor that `toPage` wrote for a list with as many. Throws `invalid_cursor` for anything else. */
export function readCursor(cursor: string, count: number): CursorKeys {
  const keys = parse(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(keys) || keys.length !== count || !keys.every(isKey)) throw new ProblemError('invalid_cursor');
  return keys;
}

const isKey = (key: unknown) => typeof key === 'string' || typeof key === 'number' || key === null;

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new ProblemError('invalid_cursor');
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id that a list in the order of its ids goes on after; undefined on the first page. */
export function idAfter(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const [id] = readCursor(cursor, 1);
  if (typeof id !== 'string' || !UUID.test(id)) throw new ProblemError('invalid_cursor');
  return id;
}
