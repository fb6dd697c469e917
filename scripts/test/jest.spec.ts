import { withTests } from './jest.ts';

const usual = ['unit', 'db', 'e2e', 'fleet'] as const;

it.each([
  ['a file that needs no server', { projects: usual, rest: ['--', 'scripts/test/jest.spec'] }, ['unit']],
  ['a file with a database', { projects: usual, rest: ['libs/entities/src/schema/catalog'] }, ['db']],
  ['a journey', { projects: usual, rest: ['e2e/tasks'] }, ['e2e']],
  ['a journey with a fleet of its own', { projects: usual, rest: ['e2e/chaos'] }, ['fleet']],
  ['everything', { projects: usual, rest: [] }, usual],
])('leaves out the projects without a test when asked for %s', async (_, selection, projects) => {
  expect((await withTests(selection)).projects).toEqual(projects);
});
