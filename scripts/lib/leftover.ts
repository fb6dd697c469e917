import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { UserError } from './user-error.ts';
import { waitFor } from './wait.ts';

/** The process id in the first line of a pid file; undefined when there is none. */
export function readPid(pidFile: string): number | undefined {
  if (!existsSync(pidFile)) return undefined;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

/** The command line of a process, arguments separated by blanks; empty when there is no such process. */
export function commandOf(pid: number): string {
  try {
    const file = `/proc/${pid}/cmdline`;
    if (existsSync('/proc/self/cmdline')) return readFileSync(file, 'utf8').replaceAll('\0', ' ').trim();
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM';
  }
}

// The command line too: an id may have passed on to another program, and a zombie has none.
const runs = (pid: number, mark: string) => isAlive(pid) && commandOf(pid).includes(mark);

export interface Leftover {
  /** Its first line is the process id. */
  pidFile: string;
  /** What people call the program. */
  name: string;
  /** What its command line contains, and no other program's. */
  mark: string;
  /** Asks it to end. */
  signal: NodeJS.Signals;
}

/**
 * Stops a server that an earlier start left running because it was killed itself.
 * @throws UserError when it does not end.
 */
export async function stopLeftover({ pidFile, name, mark, signal }: Leftover): Promise<void> {
  const pid = readPid(pidFile);
  if (pid === undefined || !runs(pid, mark)) return;
  console.log(`Stopping the ${name} that an earlier start left running (process ${pid}) …`);
  process.kill(pid, signal);
  const ended = await waitFor(() => (runs(pid, mark) ? undefined : true), 30_000);
  if (!ended)
    throw new UserError(`The ${name} of an earlier start (process ${pid}) does not end: kill it, then start again.`);
}
