import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startFleet, type Fleet } from './fleet.ts';
import { choosePorts, fixedPort } from './fleet/ports.ts';
import { dataFolder } from './lib/paths.ts';
import { run, type Scope } from './lib/run.ts';
import { startMailbox } from './mailbox/server.ts';
import { startSandbox } from './sandbox/server.ts';
import { startPostgres } from './servers/postgres.ts';
import { startRedis } from './servers/redis.ts';
import { adminEnvironment, writeAdminFile } from './start/admin-file.ts';
import { Api } from './start/api.ts';
import { ensureBuilt } from './start/build.ts';
import { claimFolder } from './start/claim.ts';
import { checkAdminUrl, databaseUrls } from './start/database.ts';
import { chooseProvider, demoLogin, seedDemo } from './start/demo.ts';
import { loadKeys, type Keys } from './start/keys.ts';
import { performMainJob } from './start/main-job.ts';
import { migrate } from './start/migrate.ts';
import { checkRedisUrl } from './start/queue.ts';
import { supervise } from './start/supervise.ts';

const logDir = join(dataFolder, 'logs');
const logOf = (name: string) => join(logDir, `${name}.log`);

/** The database server's URL as a role that may create roles: DATABASE_URL, else of a private server. */
async function findDatabase(scope: Scope, keys: Keys): Promise<string> {
  const given = process.env.DATABASE_URL;
  if (given) return checkAdminUrl(given).then(() => given);
  console.log('Starting PostgreSQL …');
  const data = join(dataFolder, 'postgres');
  const server = await startPostgres({ data, logFile: logOf('postgres'), password: keys.passwords.superuser });
  await scope.defer(() => server.stop());
  return server.url;
}

/** REDIS_URL, else the URL of a private server. */
async function findQueue(scope: Scope): Promise<string> {
  const given = process.env.REDIS_URL;
  if (given) return checkRedisUrl(given).then(() => given);
  console.log('Starting Redis …');
  const server = await startRedis({ data: join(dataFolder, 'redis'), logFile: logOf('redis') });
  await scope.defer(() => server.stop());
  return server.url;
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
async function prepare(scope: Scope): Promise<Prepared> {
  await scope.defer(await claimFolder(dataFolder));
  await choosePorts('default');
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

async function startServices(scope: Scope, keys: Keys, smtpUrl?: string): Promise<Fleet> {
  const [adminUrl, redisUrl] = await Promise.all([findDatabase(scope, keys), findQueue(scope), ensureBuilt()]);
  const urls = databaseUrls(adminUrl, keys.passwords);
  console.log('Migrating the database …');
  await migrate(urls, { logFile: logOf('migrate') });
  console.log('Starting the seven services …');
  const surroundings = { databaseUrls: urls.services, redisUrl, keys };
  const fleet = await startFleet({ ...surroundings, smtpUrl, ports: 'default', logDir });
  await scope.defer(() => fleet.stop());
  await scope.defer(await writeAdminFile(adminEnvironment(surroundings)));
  return fleet;
}

const farewell = (url: string, mailboxUrl?: string) => `API    ${url}
Docs   ${url}/docs
Login  ${demoLogin.email} / ${demoLogin.password}
${mailboxUrl ? `Mail   ${mailboxUrl}\n` : ''}Logs   ${logDir}

Ctrl-C stops everything and leaves the data in .data/.`;

await run(async (scope) => {
  const prepared = await prepare(scope);
  const sandbox = await startSandbox({ port: prepared.sandboxPort });
  await scope.defer(() => sandbox.close());
  const { smtpUrl, mailboxUrl } = await findMailServer(scope, prepared.mailboxPorts);
  const fleet = await startServices(scope, prepared.keys, smtpUrl);
  const supervisor = supervise(fleet);
  await scope.defer(async () => supervisor.stop());

  const url = fleet.gatewayUrls[0] ?? '';
  const provider = chooseProvider(process.env.OPENAI_API_KEY, sandbox.url);
  console.log(`Asking the demo agent (${provider.name}, ${provider.model}) through ${url} as ${demoLogin.email} …`);
  const { user, agentId } = await seedDemo(new Api(url), provider, sandbox.url);
  await performMainJob(user, agentId, (text) => process.stdout.write(text));
  console.log(farewell(url, mailboxUrl));
  scope.interruptedCode = 0;
  return supervisor.gaveUp;
});
