import { byDatabaseService, databaseServices, type DatabaseService } from '@taai/contracts';
import { escapeIdentifier, escapeLiteral, type Client } from 'pg';
import { describeUrl, withClient } from './connect';
import type { ServiceRoles } from './grants.sql';
import { RESOLVER } from './resolver.sql';

export interface DatabaseUrls {
  /** The URL of a role that may create roles and databases; not needed once they exist. */
  admin?: string;
  /** The URL of the role that owns schema and tables. */
  migrator: string;
  /** The URL of each service's own role. */
  services: Record<DatabaseService, string>;
}

/** The variable of the migrator's environment that holds a service's URL. */
export const variableOf = (service: DatabaseService) => `${service.toUpperCase()}_DATABASE_URL`;

/** Each service's role as a quoted identifier. Throws one sentence when two services, or a service and the migrator, share one. */
export function serviceRoles({ migrator, services }: DatabaseUrls): ServiceRoles {
  const owners = new Map([[describeUrl(migrator).role, 'MIGRATOR_DATABASE_URL']]);
  return byDatabaseService((service) => {
    const { role } = describeUrl(services[service]);
    const other = owners.get(role);
    if (other) throw new Error(`${other} and ${variableOf(service)} name one role, "${role}": each needs its own.`);
    owners.set(role, variableOf(service));
    return escapeIdentifier(role);
  });
}

const exists = async (client: Client, sql: string, name: string) => (await client.query(sql, [name])).rowCount === 1;
const roleExists = (client: Client, name: string) => exists(client, 'select from pg_roles where rolname = $1', name);

/** Throws one sentence when a service's role does not exist: without an admin nobody has created it. */
export async function assertRolesExist(client: Client, services: DatabaseUrls['services']): Promise<void> {
  for (const service of databaseServices) {
    const { role } = describeUrl(services[service]);
    if (await roleExists(client, role)) continue;
    throw new Error(
      `There is no role "${role}", which ${variableOf(service)} names: create it, or set ADMIN_DATABASE_URL, and it is created.`,
    );
  }
}

/**
 * Creates the roles and the database that are missing, and gives the migrator the schema. What exists keeps its password. The
 * admin need not be a superuser: CREATEROLE and CREATEDB are enough.
 */
export async function prepareServer({ admin, migrator, services }: DatabaseUrls & { admin: string }): Promise<void> {
  const { role, database } = describeUrl(migrator);
  const [owner, name] = [escapeIdentifier(role), escapeIdentifier(database)];
  const isNew = await withClient(admin, 'ADMIN_DATABASE_URL', async (client) => {
    // Roles belong to the whole server: two installations on it must not create them at once.
    await client.query(`select pg_advisory_lock(hashtext('task-assistant roles'))`);
    await createLogin(client, migrator);
    for (const url of Object.values(services)) await createLogin(client, url);
    await createResolver(client, role);
    if (await exists(client, 'select from pg_database where datname = $1', database)) return false;
    await client.query(`grant ${owner} to current_user`);
    await client.query(`create database ${name}`);
    return true;
  });
  const inside = Object.assign(new URL(admin), { pathname: new URL(migrator).pathname }).href;
  await withClient(inside, 'ADMIN_DATABASE_URL', async (client) => {
    // Several at once would meet in the catalog's rows ("tuple concurrently updated"). Ends with the connection.
    await client.query(`select pg_advisory_lock(hashtext('task-assistant schema'))`);
    const owned = `select from pg_namespace where nspname = 'public' and nspowner = $1::text::regrole`;
    if (!(await exists(client, owned, owner))) {
      await client.query(`grant create on database ${name} to ${owner}`);
      await client.query(`alter schema public owner to ${owner}`);
    }
    if (isNew) {
      await client.query(`revoke temporary on database ${name} from public`);
      await client.query(`alter database ${name} owner to ${owner}`);
    }
  });
}

async function createResolver(client: Client, migrator: string): Promise<void> {
  if (!(await roleExists(client, RESOLVER))) await client.query(`create role ${RESOLVER} nologin noinherit`);
  const isMember = `select where pg_has_role($1, '${RESOLVER}', 'member')`;
  if (!(await exists(client, isMember, migrator))) {
    await client.query(`grant ${RESOLVER} to ${escapeIdentifier(migrator)}`);
  }
}

async function createLogin(client: Client, url: string): Promise<void> {
  const { role, password } = describeUrl(url);
  if (await roleExists(client, role)) return;
  // NOINHERIT: the migrator becomes the resolver by SET ROLE alone, and sees nothing by its policies.
  await client.query(`
    create role ${escapeIdentifier(role)} login noinherit nosuperuser nocreatedb nocreaterole nobypassrls
    password ${escapeLiteral(password)}`);
}
