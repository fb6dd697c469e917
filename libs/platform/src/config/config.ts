import {
  bool,
  cleanEnv,
  makeExactValidator,
  makeValidator,
  num,
  port,
  str,
  url,
  type CleanedEnv,
  type ValidatorSpec,
} from 'envalid';
import type { ServiceName } from '@taai/contracts';
import { itemsOf, parseOrigins, parseProxies } from './edge-variables';
import { parseBaseUrl, parseSender, parseSmtpUrl, type Sender, type SmtpServer } from './mail-settings';
import { gatewayPort, managementPorts } from './ports';

/** A public or private Ed25519 key in JWK form; `kid` is required. */
export interface Jwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  d?: string;
  kid: string;
  /** Seconds since 1970: from when on it signs. */
  nbf?: number;
  /** Seconds since 1970: from when on nothing that it signed is valid. */
  exp?: number;
}

const isTime = (value: unknown) => value === undefined || (Number.isInteger(value) && Number(value) > 0);

const isJwk = (value: unknown): value is Jwk =>
  typeof value === 'object' &&
  value !== null &&
  'kid' in value &&
  'x' in value &&
  'crv' in value &&
  value.crv === 'Ed25519' &&
  isTime(Reflect.get(value, 'nbf')) &&
  isTime(Reflect.get(value, 'exp'));

const jwk = makeValidator<Jwk>((text) => {
  const key: unknown = JSON.parse(text);
  if (!isJwk(key)) throw new Error('is not an Ed25519 JWK with a kid');
  return key;
});

const jwks = makeValidator<readonly Jwk[]>((text) => {
  const set: unknown = JSON.parse(text);
  const keys = typeof set === 'object' && set !== null && 'keys' in set && Array.isArray(set.keys) ? set.keys : [];
  if (keys.length === 0 || !keys.every(isJwk)) throw new Error('is not a set of Ed25519 JWKs');
  return keys;
});

const list = makeValidator<readonly string[]>(itemsOf);
const origins = makeValidator(parseOrigins);
const proxies = makeValidator(parseProxies);
const smtpUrl = makeExactValidator<SmtpServer | false>(parseSmtpUrl);
const sender = makeExactValidator<Sender>(parseSender);
const baseUrl = makeValidator<string>(parseBaseUrl);

const between = (least: number, most: number) =>
  makeValidator<number>((text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most))
      throw new Error(`must be a number from ${least} to ${most}`);
    return value;
  });

/** Reads variables once; a missing or wrong one ends the process with a sentence that names it. */
function read<S extends Record<string, ValidatorSpec<unknown>>>(specs: S): CleanedEnv<S> {
  return cleanEnv(process.env, specs, {
    reporter: ({ errors }) => {
      const faults = Object.entries(errors).map(([name, error]) => `${name} ${error ? error.message : 'is missing'}`);
      if (faults.length === 0) return;
      process.stderr.write(`The environment is incomplete: ${faults.join('; ')}. See README.md, "Configuration".\n`);
      process.exit(1);
    },
  });
}

/** Where long calls are streams that wait for a provider most of the time. */
const longSlots: Partial<Record<ServiceName, number>> = { orchestrator: 512 };

/** What every process needs. */
export function readProcessConfig(service: ServiceName) {
  const env = read({
    HOST: str({ default: '127.0.0.1' }),
    MANAGEMENT_PORT: port({ default: managementPorts[service] }),
    REDIS_URL: url({ default: 'redis://127.0.0.1:6379' }),
    LOG_LEVEL: str({ choices: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], default: 'info' }),
    CONTEXT_PRIVATE_JWK: jwk(),
    CONTEXT_JWKS: jwks(),
    RPC_KEYS: list(),
    SENTRY_DSN: str({ default: '' }),
    RPC_SLOTS: num({ default: 64, desc: 'calls that a replica works on at once' }),
    RPC_LONG_SLOTS: num({ default: longSlots[service] ?? 64, desc: 'the same for long calls and streams' }),
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

/** What the gateway needs besides. */
export function readGatewayConfig() {
  const env = read({
    PORT: port({ default: gatewayPort }),
    CORS_ORIGINS: origins({ default: [] }),
    BODY_LIMIT_BYTES: num({ default: 1_048_576 }),
    ACCESS_GRACE_SECONDS: num({ default: 30, desc: 'how long known callers are let in while auth does not answer' }),
    TRUST_PROXY: proxies({ default: [], desc: 'whose X-Forwarded-For, -Proto and -Host are believed' }),
    HTTPS_ONLY: bool({ default: false, desc: 'refuse what a trusted proxy did not receive by HTTPS' }),
  });
  return {
    port: env.PORT,
    corsOrigins: env.CORS_ORIGINS,
    bodyLimitBytes: env.BODY_LIMIT_BYTES,
    trustProxy: env.TRUST_PROXY,
    accessGraceMs: env.ACCESS_GRACE_SECONDS * 1000,
    httpsOnly: env.HTTPS_ONLY,
  };
}

export type GatewayConfig = ReturnType<typeof readGatewayConfig>;

/** What every service with a database needs. The role of the URL owns nothing and bypasses nothing. */
export function readDatabaseConfig() {
  const env = read({
    DATABASE_URL: url(),
    DATABASE_POOL: num({ default: 50 }),
    DATABASE_PREPARE: str({ choices: ['on', 'off'], default: 'on', desc: 'off behind PgBouncer in transaction mode' }),
  });
  return { url: env.DATABASE_URL, pool: env.DATABASE_POOL, prepare: env.DATABASE_PREPARE === 'on' };
}

/**
 * What the auth service needs besides: its signing keys, newest first, what a password hash may cost, and after how many days a
 * deleted tenant loses its rows.
 */
export function readAuthConfig() {
  const env = read({
    AUTH_PRIVATE_JWKS: jwks(),
    BCRYPT_COST: between(4, 16)({ default: 12 }),
    TENANT_GRACE_DAYS: between(0, 3650)({ default: 30 }),
  });
  return { signingKeys: env.AUTH_PRIVATE_JWKS, bcryptCost: env.BCRYPT_COST, tenantGraceDays: env.TENANT_GRACE_DAYS };
}

/** What services need that keep secrets of tenants and call addresses that tenants name. */
export function readOutboundConfig() {
  const env = read({ ENCRYPTION_KEYS: list(), OUTBOUND_ALLOW: list({ default: [] }) });
  return { encryptionKeys: env.ENCRYPTION_KEYS, outboundAllow: env.OUTBOUND_ALLOW };
}

export type OutboundConfig = ReturnType<typeof readOutboundConfig>;

/** What the webhook service needs to send mail. `smtp` is false where no mail is sent. */
export function readMailConfig() {
  const env = read({
    SMTP_URL: smtpUrl({ default: false }),
    MAIL_FROM: sender({ default: { name: 'Task Assistant', address: 'no-reply@localhost' } }),
    APP_URL: baseUrl({ default: `http://127.0.0.1:${gatewayPort}` }),
  });
  return { smtp: env.SMTP_URL, from: env.MAIL_FROM, appUrl: env.APP_URL };
}

export type MailConfig = ReturnType<typeof readMailConfig>;
