import { appendFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../scripts/lib/ports';
import { launch, type RunningProcess } from '../scripts/lib/processes';
import { services } from '../libs/contracts/src/contract';
import { eventually } from './support/eventually';

const COPIED = ['apps', 'libs', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.base.json'];

/** A checkout of its own, because `npm run dev` follows its sources and fills its `dist`. */
async function copyCheckout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'task-assistant-dev-'));
  await Promise.all(COPIED.map((name) => cp(name, join(folder, name), { recursive: true })));
  await symlink(resolve('node_modules'), join(folder, 'node_modules'));
  await mkdir(join(folder, '.data'));
  return folder;
}

const PORT_VARIABLES = [
  'PORT',
  'SANDBOX_PORT',
  'MAILBOX_PORT',
  'MAILBOX_SMTP_PORT',
  ...services.flatMap((service) =>
    ['MANAGEMENT_PORT', 'INSPECT_PORT'].map((port) => `${service.toUpperCase()}_${port}`),
  ),
];

const freePorts = async () =>
  Object.fromEntries(await Promise.all(PORT_VARIABLES.map(async (name) => [name, String(await freePort())])));

/** Code of a service that answers every request with `answer`; what it adds to `main.ts` needs no other file. */
const serve = (port: number, answer: string) => `
import { createServer } from 'node:http';
createServer((_, response) => response.end('${answer}')).listen(${port}, '127.0.0.1');
`;

describe('npm run dev', () => {
  let folder: string;
  let dev: RunningProcess;
  let port: number;
  let main: string;
  let source: string;
  const logFile = () => join(folder, 'dev.log');
  const said = () => readFile(logFile(), 'utf8');
  const answer = async () => (await fetch(`http://127.0.0.1:${port}`)).text();
  const untilSaid = (text: string) => eventually(async () => expect(await said()).toContain(text));
  const untilServed = (text: string) => eventually(async () => expect(await answer()).toBe(text));
  const change = (code: string) => writeFile(main, source + code);

  beforeAll(async () => {
    folder = await copyCheckout();
    port = await freePort();
    main = join(folder, 'apps/usage/src/main.ts');
    source = await readFile(main, 'utf8');
    await appendFile(main, serve(port, 'first'));
    const env = { ...process.env, ...(await freePorts()), REDIS_URL: `${process.env['TEST_REDIS_URL']}/2` };
    const program = { command: process.execPath, args: ['scripts/dev.mjs'], cwd: folder, env };
    dev = await launch({ ...program, logFile: logFile(), graceMs: 60_000 });
    await eventually(async () => expect(await said()).toContain('Watching'), 100);
  });

  afterAll(async () => {
    await dev?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('serves a change, and starts the service again that it concerns alone', async () => {
    expect(await answer()).toBe('first');
    await change(serve(port, 'second'));
    await untilServed('second');
    expect(await said()).toMatch(/starting usage again/);
  });

  it('leaves what runs alone while the sources do not build', async () => {
    await change('const = 1;');
    await untilSaid('This does not build');
    expect(await answer()).toBe('second');
    await change(serve(port, 'third'));
    await untilServed('third');
  });

  it('starts a service that ended by itself with the next change', async () => {
    await change("throw new Error('A mistake.');");
    await untilSaid('A mistake.');
    await change(serve(port, 'fourth'));
    await untilServed('fourth');
  });
});
