import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../lib/paths.ts';
import { startFleet, type Fleet, type FleetOptions } from '../fleet.ts';
import { startMailbox, type Mailbox } from '../mailbox/server.ts';
import { startSandbox } from '../sandbox/server.ts';
import { adminEnvironment, type AdminEnvironment } from '../start/admin-file.ts';
import { makeKeys, type Keys } from '../start/keys.ts';
import { migratedDatabase } from './test-database.ts';

export interface TestFleet {
  fleet: Fleet;
  sandboxUrl: string;
  /** Where the fleet keeps files. */
  filesDir: string;
  /** Where the fleet's mails arrive. */
  mailbox: Mailbox;
  /** As superuser, to look at what no client may see. */
  adminDatabaseUrl: string;
  authSigningJwk: string;
  keys: Keys;
  redisUrl: string;
  /** For the operator's command. */
  adminEnv: AdminEnvironment;
  stop(): Promise<void>;
}

/** The servers of tests that speak HTTPS are trusted. */
const testing = {
  BCRYPT_COST: '4',
  DEFAULT_PLAN: 'unlimited',
  NODE_EXTRA_CA_CERTS: join(root, 'libs/platform/src/fixtures/localhost.pem'),
};

/** Of the servers that a fleet lives on. */
export interface ServerUrls {
  /** As superuser. */
  database: string;
  redis: string;
}

/** Those that all tests share. */
const sharedServers = (): ServerUrls => ({
  database: process.env['TEST_DATABASE_URL'] ?? '',
  redis: process.env['TEST_REDIS_URL'] ?? '',
});

/** Redis databases: the fleet of all files and the fleet that a file starts for itself must not meet. */
const FLEET_DATABASES = { shared: 0, own: 1 } as const;

/** Starts a fleet from `dist` with a sandbox provider and a mailbox, on free ports. */
export async function startTestFleet(
  kind: keyof typeof FLEET_DATABASES,
  { servers = sharedServers(), ...options }: Pick<FleetOptions, 'replicas' | 'env'> & { servers?: ServerUrls } = {},
): Promise<TestFleet> {
  const keys = makeKeys();
  const redisUrl = `${servers.redis}/${FLEET_DATABASES[kind]}`;
  const database = await migratedDatabase(servers.database);
  const surroundings = { databaseUrls: database.urls, redisUrl, keys };
  const sandbox = await startSandbox({ port: 0 });
  const mailbox = await startMailbox();
  const logDir = await mkdtemp(join(tmpdir(), 'task-assistant-e2e-'));
  const filesDir = join(logDir, 'files');
  const release = async () => {
    await sandbox.close();
    await mailbox.close();
    await database.drop();
  };
  try {
    const fleet = await startFleet({
      ...options,
      ...surroundings,
      ports: 'free',
      smtpUrl: mailbox.smtpUrl,
      logDir,
      env: { ...testing, FILES_DIR: filesDir, ...options.env },
    });
    const stop = async () => {
      await fleet.stop();
      await release();
      await rm(logDir, { recursive: true });
    };
    const { url: sandboxUrl } = sandbox;
    return {
      fleet,
      sandboxUrl,
      filesDir,
      mailbox,
      adminDatabaseUrl: database.adminUrl,
      authSigningJwk: JSON.stringify(keys.signing),
      keys,
      redisUrl,
      adminEnv: adminEnvironment(surroundings),
      stop,
    };
  } catch (error) {
    await release();
    throw error;
  }
}
