import { isUnavailable } from '@taai/contracts';
import { log } from './logger';
import { unexpectedErrors } from './metrics';

let capture: (error: unknown) => void = () => undefined;

/** Starts Sentry when there is a DSN. It is loaded on demand: a process without one saves some 20 MB. */
export async function startSentry(dsn: string, service: string): Promise<void> {
  if (!dsn) return;
  const sentry = await import('@sentry/nestjs');
  sentry.init({ dsn, serverName: service, sendDefaultPii: false });
  capture = (error) => void sentry.captureException(error);
}

/** Reports an error that nobody expected: in the log, a counter and Sentry. What does not answer for now is logged alone. */
export function reportError(error: unknown, fields: Record<string, unknown> = {}): void {
  if (isUnavailable(error)) return log.warn({ err: error, ...fields }, 'something does not answer');
  unexpectedErrors.inc();
  log.error({ err: error, ...fields }, 'unexpected error');
  capture(error);
}
