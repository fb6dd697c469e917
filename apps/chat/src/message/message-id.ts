import { v7 } from 'uuid';

/** When an id was minted: UUIDv7 begins with the milliseconds since 1970. */
export const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);

/** A new id that comes after `last`, which another replica may have minted by a clock that is ahead of this one's. */
export function idBehind(last: string | null | undefined): string {
  const id = v7();
  return !last || id > last ? id : v7({ msecs: timeOf(last) + 1 });
}
