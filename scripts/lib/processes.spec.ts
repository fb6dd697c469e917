import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { commandOf } from './leftover.ts';
import { launch } from './processes.ts';
import { waitFor } from './wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'processes-'));
const logFile = join(folder, 'program.log');
const node = (script: string) => ({ command: process.execPath, args: ['-e', script], env: process.env, logFile });
const forever = 'setInterval(() => {}, 1000)';

afterAll(() => rmSync(folder, { recursive: true }));

it('says how a program ended, and what it said last', async () => {
  const program = await launch(node('console.log(1); console.log(2); console.error(3); process.exitCode = 7'));
  await expect(program.exited).resolves.toEqual({ code: 7, signal: null });
  expect(program.isRunning).toBe(false);
  expect(program.lastWords(2)).toBe('2\n3');
});

it('rejects a program that cannot be executed', async () => {
  await expect(launch({ command: join(folder, 'absent'), args: [], env: {} })).rejects.toThrow('ENOENT');
});

it('kills a program that does not end when asked', async () => {
  const deaf = await launch({
    ...node(`process.on('SIGTERM', () => {}); console.log('deaf'); ${forever}`),
    graceMs: 50,
  });
  await waitFor(() => deaf.lastWords(1) === 'deaf' || undefined, 10_000);
  await deaf.stop();
  await expect(deaf.exited).resolves.toEqual({ code: null, signal: 'SIGKILL' });
  await deaf.stop();
});

it('lets no program outlive a starter that is killed', async () => {
  const script = `
    const { launch } = await import(${JSON.stringify(join(__dirname, 'processes.ts'))});
    const program = await launch({ command: process.execPath, args: ['-e', '${forever}'], env: process.env });
    console.log(program.pid);
    ${forever};`;
  const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(starter.stdout), 'line')) as [string];
  const pid = Number(line);
  expect(commandOf(pid)).not.toBe('');
  starter.kill('SIGKILL');
  const gone = await waitFor(() => commandOf(pid) === '' || undefined, 10_000);
  expect(gone).toBe(true);
});
