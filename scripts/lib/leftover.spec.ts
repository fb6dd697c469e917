import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOf, readPid, stopLeftover } from './leftover.ts';
import { launch } from './processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'leftover-'));
const pidFile = join(folder, 'postmaster.pid');

/** As PostgreSQL writes it: id, data folder, start time, port. */
const writePidFile = (pid: number) => writeFileSync(pidFile, `${pid}\n/data\n1700000000\n5432\n\n127.0.0.1\n`);
const startServer = () =>
  launch({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)', 'a-server'], env: process.env });

beforeAll(() => jest.spyOn(console, 'log').mockImplementation());
afterAll(() => rmSync(folder, { recursive: true }));

it('reads the id from the first line, and nothing from no file or another one', () => {
  writePidFile(4711);
  expect(readPid(pidFile)).toBe(4711);
  expect(readPid(join(folder, 'absent.pid'))).toBeUndefined();
  writeFileSync(pidFile, 'no number\n');
  expect(readPid(pidFile)).toBeUndefined();
});

it('stops the server that a pid file names', async () => {
  const server = await startServer();
  writePidFile(server.pid);
  await stopLeftover({ pidFile, name: 'server', mark: 'a-server', signal: 'SIGTERM' });
  await expect(server.exited).resolves.toEqual({ code: null, signal: 'SIGTERM' });
  expect(commandOf(server.pid)).toBe('');
});

it('leaves a program alone that took over the id', async () => {
  const stranger = await startServer();
  writePidFile(stranger.pid);
  await stopLeftover({ pidFile, name: 'PostgreSQL', mark: '-D /data', signal: 'SIGTERM' });
  expect(stranger.isRunning).toBe(true);
  await stranger.stop();
});
