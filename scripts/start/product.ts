import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startFleet, type Fleet } from '../fleet.ts';
import { choosePorts, fixedPort, type PortChoice } from '../fleet/ports.ts';
import { dataFolder } from '../lib/paths.ts';
import type { Scope } from '../lib/run.ts';
import { startMailbox } from '../mailbox/server.ts';
import { startSandbox } from '../sandbox/server.ts';
import { startPostgres } from '../servers/postgres.ts';
import { startRedis } from '../servers/redis.ts';
import { Server } from '../servers/server.ts';
import { adminEnvironment, writeAdminFile } from './admin-file.ts';
import { Api } from './api.ts';
import { claimFolder } from './claim.ts';
import { checkAdminUrl, databaseUrls } from './database.ts';
import { chooseProvider, demoLogin, seedDemo } from './demo.ts';
import { loadKeys, type Keys } from './keys.ts';
import { performMainJob } from './main-job.ts';
import { migrate } from './migrate.ts';
import { checkRedisUrl } from './queue.ts';

const logDir = join(dataFolder, 'logs');
const logOf = (name: string) => join(logDir, `${name}.log`);

/** A server that is there, or a private one. */
type Found = Pick<Server, 'url'> | Server;

/** The database server, its URL as a role that may create roles: DATABASE_URL, else a private one. */
async function findDatabase(scope: Scope, keys: Keys): Promise<Found> {
  const given = process.env.DATABASE_URL;
  if (given) return checkAdminUrl(given).then(() => ({ url: given }));
  console.log('Starting PostgreSQL …');
  const data = join(dataFolder, 'postgres');
  const server = await startPostgres({ data, logFile: logOf('postgres'), password: keys.passwords.superuser });
  await scope.defer(() => server.stop());
  return server;
}

/** REDIS_URL, else a private server. */
async function findQueue(scope: Scope): Promise<Found> {
  const given = process.env.REDIS_URL;
  if (given) return checkRedisUrl(given).then(() => ({ url: given }));
  console.log('Starting Redis …');
  const server = await startRedis({ data: join(dataFolder, 'redis'), logFile: logOf('redis') });
  await scope.defer(() => server.stop());
  return server;
}

interface Prepared {
  keys: Keys;
  sandboxPort: number;
  /** Undefined when SMTP_URL names a mail server. */
  mailboxPorts?: MailboxPorts;
}

interface MailboxPorts {
  smtpPort: number;
  webPort: number;
}

const chooseMailboxPorts = async (): Promise<MailboxPorts> => ({
  smtpPort: await fixedPort('MAILBOX_SMTP_PORT', 3025),
  webPort: await fixedPort('MAILBOX_PORT', 3080),
});

/** Claims the data folder, and finds out about ports in use before anything is started. */
async function prepare(scope: Scope, ports: PortChoice): Promise<Prepared> {
  await scope.defer(await claimFolder(dataFolder));
  await choosePorts(ports);
  const sandboxPort = await fixedPort('SANDBOX_PORT', 3007);
  const mailboxPorts = process.env.SMTP_URL ? undefined : await chooseMailboxPorts();
  await rm(logDir, { recursive: true, force: true });
  return { keys: await loadKeys(join(dataFolder, 'keys.json')), sandboxPort, mailboxPorts };
}

/** SMTP_URL, else the URL of a server that keeps the mails and shows them at `mailboxUrl`. */
async function findMailServer(scope: Scope, ports?: MailboxPorts): Promise<{ smtpUrl?: string; mailboxUrl?: string }> {
  if (!ports) return { smtpUrl: process.env.SMTP_URL };
  const mailbox = await startMailbox(ports);
  await scope.defer(() => mailbox.close());
  return { smtpUrl: mailbox.smtpUrl, mailboxUrl: mailbox.url };
}

async function startServices(
  scope: Scope,
  { ports, build }: ProductOptions,
  keys: Keys,
  smtpUrl?: string,
): Promise<Pick<Product, 'fleet' | 'servers'>> {
  const [database, queue] = await Promise.all([findDatabase(scope, keys), findQueue(scope), build()]);
  const urls = databaseUrls(database.url, keys.passwords);
  console.log('Migrating the database …');
  await migrate(urls, { logFile: logOf('migrate') });
  console.log('Starting the seven services …');
  const surroundings = { databaseUrls: urls.services, redisUrl: queue.url, keys };
  const fleet = await startFleet({ ...surroundings, smtpUrl, ports, logDir });
  await scope.defer(() => fleet.stop());
  await scope.defer(await writeAdminFile(adminEnvironment(surroundings)));
  return { fleet, servers: [database, queue].filter((found) => found instanceof Server) };
}

const farewell = (url: string, mailboxUrl?: string) => `API    ${url}
Docs   ${url}/docs
Login  ${demoLogin.email} / ${demoLogin.password}
${mailboxUrl ? `Mail   ${mailboxUrl}\n` : ''}Logs   ${logDir}

Ctrl-C stops everything and leaves the data in .data/.`;

export interface ProductOptions {
  ports: Exclude<PortChoice, 'free'>;
  /** Puts the programs into dist. */
  build: () => Promise<unknown>;
}

export interface Product {
  fleet: Fleet;
  /** Those of our own. */
  servers: Server[];
  url: string;
  sandboxUrl: string;
  /** Undefined when SMTP_URL names a mail server. */
  mailboxUrl?: string;
}

/** Starts the product on the data folder of this checkout: servers, sandbox, mailbox and the seven services. */
export async function startProduct(scope: Scope, options: ProductOptions): Promise<Product> {
  const prepared = await prepare(scope, options.ports);
  const sandbox = await startSandbox({ port: prepared.sandboxPort });
  await scope.defer(() => sandbox.close());
  const { smtpUrl, mailboxUrl } = await findMailServer(scope, prepared.mailboxPorts);
  const { fleet, servers } = await startServices(scope, options, prepared.keys, smtpUrl);
  return { fleet, servers, url: fleet.gatewayUrls[0] ?? '', sandboxUrl: sandbox.url, mailboxUrl };
}

/** Seeds the demo tenant, lets its agent answer, and says where everything is. */
export async function showProduct({ url, sandboxUrl, mailboxUrl }: Product): Promise<void> {
  const provider = chooseProvider(process.env.OPENAI_API_KEY, sandboxUrl);
  console.log(`Asking the demo agent (${provider.name}, ${provider.model}) through ${url} as ${demoLogin.email} …`);
  const { user, agentId } = await seedDemo(new Api(url), provider, sandboxUrl);
  await performMainJob(user, agentId, (text) => process.stdout.write(text));
  console.log(farewell(url, mailboxUrl));
}
