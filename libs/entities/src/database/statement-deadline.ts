import { ProblemError } from '@taai/contracts';
import { timeLeft } from '@taai/tenant';
import { DatabaseError } from 'pg';
import { QueryFailedError } from 'typeorm';

/** What the roles of services allow a statement. */
export const STATEMENT_SECONDS = 30;

const QUERY_CANCELED = '57014';

/** Throws `deadline_exceeded` when nobody waits for the current work any longer. */
export function assertTimeLeft(): void {
  if (timeLeft() <= 0) throw new ProblemError('deadline_exceeded');
}

/** The `statement_timeout` of the current work in milliseconds: what is left to it, or null where the role allows less. Throws as `assertTimeLeft`. */
export function statementTimeout(): string | null {
  assertTimeLeft();
  const left = Math.ceil(timeLeft());
  return left < STATEMENT_SECONDS * 1000 ? String(left) : null;
}

/** Makes `deadline_exceeded` of a statement's error when the server ended the statement because its time was up; returns others as they are. */
export function explainTimeout(error: unknown): unknown {
  const cause: unknown = error instanceof QueryFailedError ? error.driverError : error;
  const isCanceled = cause instanceof DatabaseError && cause.code === QUERY_CANCELED;
  return isCanceled && timeLeft() <= 0 ? new ProblemError('deadline_exceeded') : error;
}
