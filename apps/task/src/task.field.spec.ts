import { globSync, readFileSync } from 'node:fs';

/** What is built from the sources of services and libraries, but no test. */
const production = globSync('{apps,libs}/*/src/**/*.ts').filter((path) => !/\.(spec|testing|fixture)\.ts$/.test(path));

it('is named in its contract, its entity, its migration and its repository alone', () => {
  const naming = production.filter((path) => /\bdue_at\b/.test(readFileSync(path, 'utf8')));
  expect(naming.sort()).toEqual([
    'apps/task/src/task.repository.ts',
    'libs/contracts/src/task.contract.ts',
    'libs/entities/src/entities/task.entity.ts',
    'libs/entities/src/migrations/init/work.sql.ts',
  ]);
});
