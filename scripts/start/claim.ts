import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join, relative } from 'node:path';
import { reasonOf, UserError } from '../lib/user-error.ts';

/** The process that listens on the socket; undefined when nobody does. */
async function holderOf(socket: string): Promise<string | undefined> {
  const connection = connect(socket)
    .setEncoding('utf8')
    .setTimeout(2_000, () => connection.destroy());
  try {
    await once(connection, 'connect');
    const [pid] = (await once(connection, 'data')) as [string];
    return pid;
  } catch {
    return undefined;
  } finally {
    connection.destroy();
  }
}

/**
 * Makes this process the one that works on the data in `folder`; returns how to give the folder back. The claim is a socket
 * that we listen on, because it ends with us however we end, and no process id can pass on to somebody else.
 * @throws UserError when another process holds the folder, or it belongs to another user.
 */
export async function claimFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  // Relative, because the path of a socket may have no more than about 100 bytes.
  const socket = relative(process.cwd(), join(folder, 'start.sock'));
  const holder = await holderOf(socket);
  if (holder !== undefined) {
    throw new UserError(
      `Task Assistant runs from this folder already (process ${holder}): use that, or stop it with \`kill ${holder}\`.`,
    );
  }
  await rm(socket, { force: true }).catch(() => undefined);
  const server = createServer((connection) => connection.on('error', () => undefined).end(String(process.pid)));
  server.listen(socket);
  await once(server, 'listening').catch((error: unknown) => {
    throw new UserError(
      `${folder} cannot be written to (${reasonOf(error)}): start as the user it belongs to, or make it yours (chown -R).`,
    );
  });
  return async () => {
    server.close();
    await once(server, 'close');
  };
}
