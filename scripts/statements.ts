// Writes docs/statements.md: every statement of the fleet with the shape of its plan. `--check` compares instead.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildAll } from './build.ts';
import { root } from './lib/paths.ts';
import { run } from './lib/run.ts';
import { UserError } from './lib/user-error.ts';
import { temporaryFolder, temporaryPostgres } from './servers/temporary.ts';
import { databaseUrls } from './start/database.ts';
import { makeKeys } from './start/keys.ts';
import { migrate } from './start/migrate.ts';
import { declaredStatements } from './statements/declared.ts';
import { documentOf, type Planned } from './statements/document.ts';
import { Planner } from './statements/plan.ts';

const file = join(root, 'docs/statements.md');

await run(async (scope) => {
  const declared = await declaredStatements();
  await buildAll(['migrate']);
  const urls = databaseUrls(await temporaryPostgres(scope, await temporaryFolder(scope)), makeKeys().passwords);
  await migrate(urls);
  const planner = new Planner(urls.services);
  await scope.defer(() => planner.close());
  const planned: Planned[] = [];
  for (const statement of declared) planned.push({ ...statement, plan: await planner.shapeOf(statement) });
  const document = documentOf(planned);
  if (!process.argv.includes('--check')) {
    await writeFile(file, document);
    console.log(`docs/statements.md is written: ${planned.length} statements.`);
  } else if (document !== (await readFile(file, 'utf8').catch(() => ''))) {
    throw new UserError('docs/statements.md is not what the code says: run npm run statements, and read what changed.');
  }
  return 0;
});
