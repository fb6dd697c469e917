import { isUuid, ProblemError, type PageOf } from '@taai/contracts';

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

/** Bytes of JSON. A call between services carries 1.5 MB of it; the rest is left to the frame around the rows. */
const MAX_BYTES = 1_400_000;

/** The first of `rows`, as many as one call between services carries; one at least. */
export function fitting<T>(rows: T[]): T[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += Buffer.byteLength(JSON.stringify(row))) > MAX_BYTES);
  return end === -1 ? rows : rows.slice(0, Math.max(1, end));
}

/** `toPage` for large rows in the order of their ids: the page is shorter than `limit` where one call cannot carry more. */
export const toFittingPage = <T extends { id: string }>(rows: T[], limit: number): PageOf<T> =>
  toPage(rows, Math.min(limit, fitting(rows).length), ({ id }) => [id]);

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

/** The id that a list in the order of its ids goes on after; undefined on the first page. */
export function idAfter(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const [id] = readCursor(cursor, 1);
  if (!isUuid(id)) throw new ProblemError('invalid_cursor');
  return id;
}
