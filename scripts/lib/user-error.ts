/** A failure whose message says what is wrong and the way out; it is printed without a stack. */
export class UserError extends Error {}

/** What a person is shown of `error`: the sentence of a `UserError`, the stack of everything else. */
export function describeError(error: unknown): string {
  if (error instanceof UserError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * The message of `error` alone, for use inside another sentence. Node leaves it empty where it failed at several addresses.
 * (Not by instanceof: under Jest the errors of Node's own modules are of another realm.)
 */
export function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.map(reasonOf).join('; ');
  return 'message' in error ? String(error.message) : 'unknown';
}
