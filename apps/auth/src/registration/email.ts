import { ProblemError } from '@taai/contracts';
import { violatedConstraint } from '@taai/entities';

/** Throws `email_taken` for an address that another user has, else the error. */
export function explainTakenEmail(error: unknown): never {
  if (violatedConstraint(error) === 'users_email_key') throw new ProblemError('email_taken');
  throw error;
}
