import { log } from './logger';
import { unexpectedErrors } from './metrics';

let capture: (error: unknown) => void = () => undefined;

/** Starts Sentry when there is a DSN. Loaded on demand: it costs every process without one some 20 MB. */
export async function startSentry(dsn: string, service: string): Promise<void> {
  if (!dsn) return;
  const sentry = await import('@sentry/nestjs');
  sentry.init({ dsn, serverName: service, sendDefaultPii: false });
  capture = (error) => void sentry.captureException(error);
}

/** Where every error ends that nobody expected: log, counter, Sentry. */
export function reportError(error: unknown, fields: Record<string, unknown> = {}): void {
  unexpectedErrors.inc();
  log.error({ err: error, ...fields }, 'unexpected error');
  capture(error);
}
