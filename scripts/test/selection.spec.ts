import { readSelection } from './selection.ts';

const all = ['unit', 'db', 'e2e', 'fleet'];

it.each([
  [[], { projects: all, rest: [] }],
  [['libs/entities', '-t', 'x'], { projects: all, rest: ['libs/entities', '-t', 'x'] }],
  [['--selectProjects', 'db', '--', 'libs/entities'], { projects: ['db'], rest: ['--', 'libs/entities'] }],
  [['--selectProjects', 'unit', 'db', 'apps/auth'], { projects: ['unit', 'db'], rest: ['apps/auth'] }],
  [['--silent', '--selectProjects=e2e', '-b'], { projects: ['e2e'], rest: ['--silent', '-b'] }],
])('reads %j', (args, expected) => {
  expect(readSelection(args)).toEqual(expected);
});

it('refuses a project that is none', () => {
  expect(() => readSelection(['--selectProjects', 'integration'])).toThrow('one or more of unit, db, e2e');
});
