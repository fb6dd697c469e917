import pg from 'pg';
import { byDatabaseService, type DatabaseService } from '../../libs/contracts/src/contract.ts';
import { reasonOf, UserError } from '../lib/user-error.ts';
import type { Keys } from './keys.ts';

export interface DatabaseUrls {
  /** A role that may create roles and databases. */
  admin: string;
  /** Owns the schema. */
  migrator: string;
  /** What each service connects as. */
  services: Record<DatabaseService, string>;
}

const usualName = 'task_assistant';

/** The URLs of our own roles on the server of `admin`, in its database, or in one of our own when it names just `postgres`. */
export function databaseUrls(admin: string, passwords: Keys['passwords']): DatabaseUrls {
  const as = (role: string, password: string) => {
    const url = new URL(admin);
    if (['', '/', '/postgres'].includes(url.pathname)) url.pathname = usualName;
    url.username = role;
    url.password = password;
    return url.href;
  };
  const services = byDatabaseService((service) => as(`taai_${service}`, passwords[service]));
  return { admin, migrator: as('taai_migrator', passwords.migrator), services };
}

const databaseIsMissing = '3D000';

/**
 * Makes sure that DATABASE_URL names a server that answers, and a role that may create roles.
 * @throws UserError with the way out.
 */
export async function checkAdminUrl(url: string): Promise<void> {
  if (!URL.canParse(url))
    throw new UserError('DATABASE_URL is no URL: it reads postgres://user:password@host:5432/database.');
  const { host } = new URL(url);
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const role = 'SELECT rolsuper OR rolcreaterole AS may FROM pg_roles WHERE rolname = current_user';
    const { rows } = await client.query<{ may: boolean }>(role);
    if (!rows[0]?.may)
      throw new UserError(
        'The role of DATABASE_URL may not create roles: name one that may (ALTER ROLE … CREATEROLE).',
      );
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof pg.DatabaseError && error.code === databaseIsMissing) {
      throw new UserError(
        `The ${error.message} at ${host}: create it, or name postgres in DATABASE_URL, and ${usualName} is created.`,
      );
    }
    throw new UserError(
      `The database at ${host} cannot be used (${reasonOf(error)}): start it or correct DATABASE_URL. ` +
        'Without DATABASE_URL a private PostgreSQL is started.',
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
