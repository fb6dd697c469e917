import { join } from 'node:path';
import type { DatabaseService, ServiceName } from '@taai/contracts';
import { dataFolder } from '../lib/paths.ts';
import type { Keys } from '../start/keys.ts';
import type { ServicePorts } from './ports.ts';

export interface Surroundings {
  /** Of each service's own role. */
  databaseUrls: Record<DatabaseService, string>;
  redisUrl: string;
  keys: Keys;
  /** Where the webhook service sends mails; it may hold a password. Nowhere without it. */
  smtpUrl?: string;
  /** Base URL of the API: where the links of mails lead, unless APP_URL says otherwise. */
  apiUrl?: string;
  /** Besides, and with precedence. */
  env?: NodeJS.ProcessEnv;
}

/** What everybody may know of a key. */
export const publicOf = ({ kty, crv, x, kid }: Keys['signing']) => ({ kty, crv, x, kid });

/** The variables that only one service or a few need: nobody holds a secret that is not theirs. */
function secretsOf(service: ServiceName, { keys, smtpUrl }: Surroundings): NodeJS.ProcessEnv {
  const encryption = { ENCRYPTION_KEYS: keys.encryption };
  const secrets: Partial<Record<ServiceName, NodeJS.ProcessEnv>> = {
    auth: { AUTH_PRIVATE_JWKS: JSON.stringify({ keys: [keys.signing] }) },
    orchestrator: encryption,
    webhook: { ...encryption, SMTP_URL: smtpUrl },
  };
  return {
    RPC_KEYS: keys.rpc,
    CONTEXT_PRIVATE_JWK: JSON.stringify(keys.context.find(({ kid }) => kid === service)),
    CONTEXT_JWKS: JSON.stringify({ keys: keys.context.map(publicOf) }),
    ...secrets[service],
  };
}

/** Ours may name databases as roles that may do more than any service: the tests' superuser, the migrator. */
const withoutDatabases = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.endsWith('DATABASE_URL')));

/** The environment of one replica, on top of our own. */
export function environmentOf(
  service: ServiceName,
  instance: string,
  ports: ServicePorts,
  surroundings: Surroundings,
): NodeJS.ProcessEnv {
  const { databaseUrls, redisUrl, apiUrl, env } = surroundings;
  return {
    NODE_COMPILE_CACHE: join(dataFolder, 'compile-cache'),
    DATABASE_POOL: '5',
    OUTBOUND_ALLOW: '127.0.0.0/8,::1/128',
    APP_URL: apiUrl,
    FILES_DIR: join(dataFolder, 'files'),
    ...withoutDatabases(process.env),
    OPENAI_API_KEY: undefined, // of the demo agent, which has it in the database
    SMTP_URL: undefined, // of the webhook service alone
    ...secretsOf(service, surroundings),
    SERVICE_INSTANCE: instance,
    MANAGEMENT_PORT: String(ports.management),
    PORT: ports.api?.toString(),
    REDIS_URL: redisUrl,
    DATABASE_URL: service === 'gateway' ? undefined : databaseUrls[service],
    ...env,
  };
}
