const MAX_CAUSES = 3;

/** What is logged of an error. */
interface LoggedError {
  type: string;
  message: string;
  stack?: string | undefined;
  /** Of the system, Redis or PostgreSQL. */
  code?: string;
  constraint?: string;
  cause?: LoggedError;
}

/**
 * Picks what may be logged of an error. Drivers attach statements, parameters and whole rows to theirs, and with them password hashes,
 * ciphertexts and addresses.
 */
export function loggedError(error: unknown, causes = MAX_CAUSES): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    type: name,
    message,
    stack,
    ...text(error, 'code'),
    ...text(error, 'constraint'),
    ...(cause !== undefined && causes > 0 && { cause: loggedError(cause, causes - 1) }),
  };
}

function text(error: Error, key: 'code' | 'constraint') {
  const value: unknown = Reflect.get(error, key);
  return typeof value === 'string' ? { [key]: value } : {};
}
