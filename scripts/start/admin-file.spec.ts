import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byDatabaseService } from '../../libs/contracts/src/contract.ts';
import { adminEnvironment, readAdminFile, writeAdminFile } from './admin-file.ts';
import { makeKeys } from './keys.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'admin-file-'))));
afterEach(() => rm(folder, { recursive: true }));

it('is there while the fleet runs, for its owner alone', async () => {
  const file = join(folder, 'admin.json');
  await writeFile(file, 'of an earlier fleet', { mode: 0o644 });
  const keys = makeKeys();
  const databaseUrls = byDatabaseService((service) => `postgres://${service}`);
  const env = adminEnvironment({ databaseUrls, redisUrl: 'redis://x', keys });
  const remove = await writeAdminFile(env, file);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readAdminFile(file)).toEqual(env);
  expect(env).toMatchObject({ DATABASE_URL: 'postgres://auth', REDIS_URL: 'redis://x', RPC_KEYS: keys.rpc });
  for (const { kid, d } of keys.context) expect([kid, JSON.stringify(env).includes(d)]).toEqual([kid, kid === 'auth']);
  await remove();
  await expect(readAdminFile(file)).rejects.toThrow('No fleet runs from this folder');
});
