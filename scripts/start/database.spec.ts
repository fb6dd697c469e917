import { byDatabaseService } from '../../libs/contracts/src/contract.ts';
import { checkAdminUrl, databaseUrls } from './database.ts';
import { freePort } from '../lib/ports.ts';

const passwords = { superuser: 's', migrator: 'm', ...byDatabaseService((service) => `of-${service}`) };

it.each([
  ['postgres://root:secret@db:5433/postgres', 'db:5433/task_assistant'],
  ['postgres://root:secret@db', 'db/task_assistant'],
  ['postgres://root:secret@db/shop?sslmode=require', 'db/shop?sslmode=require'],
])('puts our roles on the server of %s', (admin, expected) => {
  expect(databaseUrls(admin, passwords)).toEqual({
    admin,
    migrator: `postgres://taai_migrator:m@${expected}`,
    services: byDatabaseService((service) => `postgres://taai_${service}:of-${service}@${expected}`),
  });
});

it('says in a sentence that nobody listens, without the password', async () => {
  const port = await freePort();
  const refusal = checkAdminUrl(`postgres://root:secret@127.0.0.1:${port}/x`);
  await expect(refusal).rejects.toThrow(`The database at 127.0.0.1:${port} cannot be used (connect ECONNREFUSED`);
  await expect(refusal).rejects.not.toThrow('secret');
});

it('says in a sentence that the URL is none', async () => {
  await expect(checkAdminUrl('localhost')).rejects.toThrow('DATABASE_URL is no URL');
});
