import type { LoggerService } from '@nestjs/common';
import { currentContext } from '@taai/tenant';
import { pino, type LoggerOptions } from 'pino';
import type { ProcessConfig } from '../config/config';
import { loggedError } from './logged-error';

const secrets = [
  'authorization',
  'password',
  'api_key',
  'token',
  'secret',
  'refresh_token',
  'access_token',
  'ciphertext',
];

const destination = pino.destination({ sync: false, minLength: 4096 });
setInterval(() => destination.flush(), 500).unref();
process.on('exit', () => destination.flushSync());

const options: LoggerOptions = {
  base: undefined,
  formatters: { level: (level) => ({ level }) },
  serializers: { err: loggedError },
  timestamp: pino.stdTimeFunctions.isoTime,
  mixin: () => {
    const context = currentContext();
    return context ? { request_id: context.request_id, tenant_id: context.caller?.tenant_id } : {};
  },
};

const redact = { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' };

/** The process's log: JSON lines on stdout, written asynchronously, each with the request and tenant it belongs to. */
export const log = pino({ ...options, redact }, destination);

/** The log of requests. Its fields are fixed and hold no secret, so that none has to be looked for in each line. */
export const requestLog = pino(options, destination);

export function configureLog({ service, logLevel }: ProcessConfig): void {
  for (const logger of [log, requestLog]) {
    logger.setBindings({ service });
    logger.level = logLevel;
  }
}

/** Writes Nest's messages into the log; those of its start at level debug. */
export class NestLogger implements LoggerService {
  log(message: unknown, context?: unknown): void {
    log.debug({ context }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    log.warn({ context }, String(message));
  }

  error(message: unknown, stack?: unknown, context?: unknown): void {
    log.error({ stack, context }, String(message));
  }
}
