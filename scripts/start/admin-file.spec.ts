import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAdminFile, writeAdminFile } from './admin-file';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'admin-file-'))));
afterEach(() => rm(folder, { recursive: true }));

it('is there while the fleet runs, for its owner alone', async () => {
  const file = join(folder, 'admin.json');
  await writeFile(file, 'of an earlier fleet', { mode: 0o644 });
  const remove = await writeAdminFile({ DATABASE_URL: 'postgres://x' }, file);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readAdminFile(file)).toEqual({ DATABASE_URL: 'postgres://x' });
  await remove();
  await expect(readAdminFile(file)).rejects.toThrow('No fleet runs from this folder');
});
