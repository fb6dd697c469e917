// Compares the schema that the migrations make, on a private server, with the entities.
import { buildAll } from './build.ts';
import { run } from './lib/run.ts';
import { temporaryFolder, temporaryPostgres } from './servers/temporary.ts';
import { databaseUrls } from './start/database.ts';
import { makeKeys } from './start/keys.ts';
import { migrate } from './start/migrate.ts';

await run(async (scope) => {
  await buildAll(['migrate']);
  const admin = await temporaryPostgres(scope, await temporaryFolder(scope));
  const urls = databaseUrls(admin, makeKeys().passwords);
  await migrate(urls);
  await migrate(urls, { args: ['--check'] });
  return 0;
});
