import { ProblemError } from '@taai/contracts';
import { violatedConstraint } from '@taai/entities';

/** Returns the one spelling under which an address is stored and looked up. */
export const canonicalEmail = (email: string): string => email.trim().normalize('NFC').toLowerCase();

/** Throws `email_taken` for an address that another user has, else the error. */
export function explainTakenEmail(error: unknown): never {
  if (violatedConstraint(error) === 'users_email_key') throw new ProblemError('email_taken');
  throw error;
}
