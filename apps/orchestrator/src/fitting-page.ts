import type { PageOf } from '@taai/contracts';
import { toPage } from '@taai/entities';

/** Of JSON; a message between services carries 1.5 MB, its frame included. */
const MAX_BYTES = 1_400_000;

/** A page of rows in the order of their ids, one more than `limit` at most: shorter where they are too large for one message. */
export function toFittingPage<T extends { id: string }>(rows: T[], limit: number): PageOf<T> {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += Buffer.byteLength(JSON.stringify(row))) > MAX_BYTES);
  const fitting = end === -1 ? limit : Math.max(1, end);
  return toPage(rows, Math.min(limit, fitting), ({ id }) => [id]);
}
