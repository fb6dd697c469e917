import { TypeOverrides, types } from 'pg';

/** Reads a `bigint` as a number. Throws a RangeError beyond 2^53, where the number would not be exact. */
export function parseBigInt(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`The database's number ${text} is too large to be exact.`);
  return value;
}

/** The types are passed to each pool and not set on the driver, so that other users of `pg` in the process keep its defaults. */
export const pgTypes = new TypeOverrides();
pgTypes.setTypeParser(types.builtins.INT8, parseBigInt);
