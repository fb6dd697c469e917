import type { ProblemError } from '@taai/contracts';
import { violatedConstraint } from '@taai/entities';

/** Tells the client what a constraint of the database refused; the transaction is void all the same. */
export async function explainViolation<T>(work: Promise<T>, problems: Record<string, () => ProblemError>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw problems[violatedConstraint(error) ?? '']?.() ?? error;
  }
}
