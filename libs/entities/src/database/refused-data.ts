import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';

/**
 * Tells whether the database refused what it was told to write (SQLSTATE classes 22 and 23: a value or a constraint), so that trying again
 * will not help.
 */
export function isRefusedData(error: unknown): error is Error {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  return cause instanceof DatabaseError && /^2[23]/.test(cause.code ?? '');
}
