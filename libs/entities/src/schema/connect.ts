import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;

/** Returns what may be shown of a URL: its host, its database, and who connects. */
export function describeUrl(url: string) {
  const { hostname, port, pathname, username, password } = new URL(url);
  return {
    server: `${hostname}:${port || '5432'}`,
    database: decodeURIComponent(pathname.slice(1)),
    role: decodeURIComponent(username),
    password: decodeURIComponent(password),
  };
}

const codeOf = (error: unknown) =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Returns one sentence with the way out. `variable` is the environment variable that the URL came from. */
export function explainConnectError(error: unknown, url: string, variable: string): string {
  const { server, database, role } = describeUrl(url);
  const code = codeOf(error);
  if (code === '3D000')
    return `PostgreSQL at ${server} has no database "${database}": create it or correct ${variable}.`;
  if (code.startsWith('28')) return `PostgreSQL at ${server} refuses the role "${role}": correct ${variable}.`;
  const reason = code || (error instanceof Error ? error.message : 'unknown reason');
  return `PostgreSQL at ${server} cannot be reached (${reason}): start it or correct ${variable}.`;
}

/** A connected client; the caller ends it. Throws one sentence that names `variable`, never the password. */
export async function connect(url: string, variable: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw new Error(explainConnectError(error, url, variable), { cause: error });
  }
}

/** Runs `work` with a connection of its own. */
export async function withClient<T>(url: string, variable: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(url, variable);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
