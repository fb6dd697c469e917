import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * What a project is, by the tag `type:<kind>` of its project.json. A service's `src/main.ts` is bundled to dist/<name>/main.js. A site and
 * a package are built by a target `build` of their own. Whatever else any project wants bundled stands in its `programs`.
 */
const kinds = ['service', 'lib', 'site', 'package', 'tool'] as const;
type Kind = (typeof kinds)[number];

interface Declaration {
  name: string;
  tags: readonly string[];
  /** Source inside the project, by its place under dist without an extension: `{ "auth/admin": "src/admin.ts" }`. */
  programs?: Record<string, string>;
}

export interface Project extends Declaration {
  /** From the checkout. */
  folder: string;
  kind: Kind;
}

export interface Program {
  /** Source, from the checkout. */
  in: string;
  /** Its place under dist, without an extension. */
  out: string;
}

function kindOf({ name, tags }: Declaration): Kind {
  const tagged = kinds.filter((kind) => tags.includes(`type:${kind}`));
  const [kind] = tagged;
  if (kind === undefined || tagged.length > 1)
    throw new Error(
      `The project.json of ${name} must have one tag of ${kinds.map((kind) => `type:${kind}`).join(', ')}.`,
    );
  return kind;
}

/** The projects of the checkout at `root`. */
export function readProjects(root = process.cwd()): Project[] {
  const files = globSync(['project.json', '*/project.json', '{apps,libs,packages}/*/project.json'], { cwd: root });
  return files.sort().map((file) => {
    const declaration = JSON.parse(readFileSync(join(root, file), 'utf8')) as Declaration;
    return { ...declaration, folder: dirname(file), kind: kindOf(declaration) };
  });
}

/** What is bundled of a project. */
export function programsOf({ name, folder, kind, programs }: Project): Program[] {
  const main = kind === 'service' ? { [`${name}/main`]: 'src/main.ts' } : {};
  return Object.entries({ ...main, ...programs }).map(([out, source]) => ({ in: join(folder, source), out }));
}

/** The folder under dist to which a program goes; images and commands know the program by it. */
export const outputFolder = ({ out }: Program): string => dirname(out);
