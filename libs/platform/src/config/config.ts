import type { ServiceName } from '@taai/contracts';
import { num, port, str, url } from 'envalid';
import { managementPorts } from './ports';
import { jwk, jwks, list, readVariables } from './variables';

/** Reads the variables of every process. `longSlots` is how many long calls a replica works on at once, unless RPC_LONG_SLOTS says otherwise. */
export function readProcessConfig(service: ServiceName, longSlots = 64) {
  const env = readVariables({
    HOST: str({ default: '127.0.0.1' }),
    MANAGEMENT_PORT: port({ default: managementPorts[service] }),
    REDIS_URL: url({ default: 'redis://127.0.0.1:6379' }),
    LOG_LEVEL: str({ choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], default: 'info' }),
    CONTEXT_PRIVATE_JWK: jwk(),
    CONTEXT_JWKS: jwks(),
    RPC_KEYS: list(),
    SENTRY_DSN: str({ default: '' }),
    RPC_SLOTS: num({ default: 64, desc: 'calls that a replica works on at once' }),
    RPC_LONG_SLOTS: num({ default: longSlots, desc: 'the same for long calls and streams' }),
    RPC_QUEUE: num({ default: 1000, desc: 'calls that may wait for a service; more are refused' }),
  });
  return {
    service,
    host: env.HOST,
    managementPort: env.MANAGEMENT_PORT,
    redisUrl: env.REDIS_URL,
    logLevel: env.LOG_LEVEL,
    context: { privateJwk: env.CONTEXT_PRIVATE_JWK, jwks: env.CONTEXT_JWKS },
    sentryDsn: env.SENTRY_DSN,
    rpc: { keys: env.RPC_KEYS, slots: env.RPC_SLOTS, longSlots: env.RPC_LONG_SLOTS, queue: env.RPC_QUEUE },
  };
}

export type ProcessConfig = ReturnType<typeof readProcessConfig>;

/** Reads the variables of every service with a database. The role of the URL owns nothing and bypasses nothing. */
export function readDatabaseConfig() {
  const env = readVariables({
    DATABASE_URL: url(),
    DATABASE_POOL: num({ default: 50 }),
    DATABASE_PREPARE: str({ choices: ['on', 'off'], default: 'on', desc: 'off behind PgBouncer in transaction mode' }),
  });
  return { url: env.DATABASE_URL, pool: env.DATABASE_POOL, prepare: env.DATABASE_PREPARE === 'on' };
}
