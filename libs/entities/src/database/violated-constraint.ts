import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';

/** Returns the name of the constraint that a statement broke; undefined for any other error. */
export function violatedConstraint(error: unknown): string | undefined {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  return cause instanceof DatabaseError ? cause.constraint : undefined;
}
