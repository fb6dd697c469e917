import { isNativeError } from 'node:util/types';
import { ProblemError, unavailableBy } from '@taai/contracts';
import { timeLeft } from '@taai/tenant';
import { DatabaseError } from 'pg';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';

/**
 * SQLSTATEs of a server that cannot serve now, and has done nothing: connection exceptions (08), no room (53: connections, memory, disk),
 * starting, stopping or crashed (57P), and a primary that has become a standby (25006).
 */
const AWAY = /^(08|53|57P|25006)/;

/** Codes of Node for a server that is not there, or is gone. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** How the messages of pg and its pool begin, which have no code. */
const WORDS =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect|Query read timeout|Cannot use a pool after)/;

const QUERY_CANCELED = '57014';

/**
 * Throws what an error of the database means to callers: `deadline_exceeded` where the server ended a statement that nobody waits for any
 * longer, `service_unavailable` where the database cannot be reached, and `outcome_unknown`
 * where it was lost while it did work that may have been committed (`isInDoubt`). Any other error is thrown as it is.
 */
export function throwExplained(error: unknown, isInDoubt = false): never {
  if (isOutOfTime(error)) throw new ProblemError('deadline_exceeded');
  if (error instanceof ProblemError || !isAway(error)) throw error;
  // What the server refuses, it has not done.
  if (isInDoubt && !(causeOf(error) instanceof DatabaseError))
    throw unavailableBy(error, 'The database was lost while it worked on the request.', 'outcome_unknown');
  throw unavailableBy(error, 'The database does not answer.');
}

/** Tells whether the database is away, for now: nothing is wrong with what it was asked. */
export function isAway(error: unknown): boolean {
  if (error instanceof QueryRunnerAlreadyReleasedError) return true;
  const cause = causeOf(error);
  if (!isNativeError(cause)) return false;
  const code = 'code' in cause ? String(cause.code) : '';
  return cause instanceof DatabaseError ? AWAY.test(code) : UNREACHABLE.has(code) || WORDS.test(cause.message);
}

function isOutOfTime(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof DatabaseError && cause.code === QUERY_CANCELED && timeLeft() <= 0;
}

const causeOf = (error: unknown): unknown => (error instanceof QueryFailedError ? error.driverError : error);
