import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { services } from '../../libs/contracts/src/contract.ts';
import { outputFolder, programsOf, readProjects } from './projects.ts';

const root = mkdtempSync(join(tmpdir(), 'projects-'));
afterAll(() => rmSync(root, { recursive: true }));

function declare(folder: string, declaration: object): void {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, 'project.json'), JSON.stringify(declaration));
}

declare('apps/task', { name: 'task', tags: ['type:service'], programs: { 'task/admin': 'src/admin.ts' } });
declare('apps/console', { name: 'console', tags: ['type:site'] });
declare('packages/sdk', { name: 'sdk', tags: ['type:package'] });
declare('libs/entities', { name: 'entities', tags: ['type:lib'], programs: { 'migrate/main': 'src/migrate.ts' } });

it('bundles a service with what it brings along, and nothing of a site, a package or a library but what they declare', () => {
  const programs = Object.fromEntries(readProjects(root).map((project) => [project.name, programsOf(project)]));
  expect(programs).toEqual({
    task: [
      { in: 'apps/task/src/main.ts', out: 'task/main' },
      { in: 'apps/task/src/admin.ts', out: 'task/admin' },
    ],
    console: [],
    sdk: [],
    entities: [{ in: 'libs/entities/src/migrate.ts', out: 'migrate/main' }],
  });
});

it.each([[[]], [['type:app']], [['type:service', 'type:lib']]])('refuses the tags %j', (tags) => {
  declare('apps/console', { name: 'console', tags });
  expect(() => readProjects(root)).toThrow('The project.json of console must have one tag of type:service,');
});

it('takes exactly the services of the contracts for services', () => {
  const found = readProjects().filter(({ kind }) => kind === 'service');
  expect(found.map(({ name }) => name)).toEqual([...services].sort());
});

it('builds what the fleet, the operator and the images ask for', () => {
  const folders = readProjects().flatMap(programsOf).map(outputFolder);
  expect(new Set(folders)).toEqual(new Set([...services, 'migrate', 'openapi']));
});
