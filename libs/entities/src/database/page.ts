import { isUuid, ProblemError, type PageOf } from '@taai/contracts';

/** The sort keys of the last row shown, which the next page starts after. Clients see them as an opaque cursor. */
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

/** How many bytes of JSON the rows of a page have at most: a call between services carries 1.5 MB. */
const MAX_BYTES = 1_400_000;

/** Returns the first of `rows`, as many as one call between services carries, and at least one. */
export function fitting<T>(rows: T[]): T[] {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += Buffer.byteLength(JSON.stringify(row))) > MAX_BYTES);
  return end === -1 ? rows : rows.slice(0, Math.max(1, end));
}

/** Works as `toPage` for large rows in the order of their ids: the page is shorter than `limit` where one call cannot carry more. */
export const toFittingPage = <T extends { id: string }>(rows: T[], limit: number): PageOf<T> =>
  toPage(rows, Math.min(limit, fitting(rows).length), ({ id }) => [id]);

const writeCursor = (keys: CursorKeys) => Buffer.from(JSON.stringify(keys)).toString('base64url');

/** Returns the `count` keys of a cursor that `toPage` wrote. Throws `invalid_cursor` for anything else. */
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

/** Returns the id that a list in the order of its ids goes on after; undefined for the first page. Throws `invalid_cursor`. */
export function idAfter(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const [id] = readCursor(cursor, 1);
  if (!isUuid(id)) throw new ProblemError('invalid_cursor');
  return id;
}
