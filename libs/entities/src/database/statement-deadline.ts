import { ProblemError } from '@taai/contracts';
import { timeLeft } from '@taai/tenant';

/** What the roles of services allow a statement. */
export const STATEMENT_SECONDS = 30;

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
