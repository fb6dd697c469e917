import { TypeOverrides, types } from 'pg';

/** A `bigint` as a number. Throws a RangeError beyond 2^53, where a number would be wrong without a sign of it. */
export function parseBigInt(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`The database's number ${text} is too large to be exact.`);
  return value;
}

/** Passed to each pool, not set on the driver: other users of `pg` in the process keep its defaults. */
export const pgTypes = new TypeOverrides();
pgTypes.setTypeParser(types.builtins.INT8, parseBigInt);
