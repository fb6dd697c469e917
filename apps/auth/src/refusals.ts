import { ProblemError } from '@taai/contracts';
import { violatedConstraint } from '@taai/entities';

/** Throws `rate_limited` when there is anything to wait for. */
export function assertNoWait(wait_ms: number): void {
  if (wait_ms > 0) throw new ProblemError('rate_limited', undefined, { retry_after: Math.ceil(wait_ms / 1000) });
}

/** Throws `email_taken` for an address that another user has, else the error. */
export function explainTakenEmail(error: unknown): never {
  if (violatedConstraint(error) === 'users_email_key') throw new ProblemError('email_taken');
  throw error;
}
