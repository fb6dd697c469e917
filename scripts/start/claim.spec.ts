import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimFolder } from './claim.ts';

const folder = mkdtempSync(join(tmpdir(), 'claim-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('gives a folder to one process at a time', async () => {
  const release = await claimFolder(folder);
  await expect(claimFolder(folder)).rejects.toThrow(`already (process ${process.pid})`);
  await release();
  await (
    await claimFolder(folder)
  )();
});

it('takes a folder over from a process that was killed', async () => {
  const script = `
    const { claimFolder } = await import(${JSON.stringify(join(__dirname, 'claim.ts'))});
    await claimFolder(${JSON.stringify(folder)});
    console.log('claimed');`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await expect(claimFolder(folder)).rejects.toThrow(`already (process ${holder.pid})`);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await (
    await claimFolder(folder)
  )();
});
