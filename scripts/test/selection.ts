import { UserError } from '../lib/user-error.ts';

const usual = ['unit', 'db', 'e2e', 'fleet'] as const;
/** `chaos` takes so long that it runs only when it is asked for. */
const projects = [...usual, 'chaos'] as const;
export type Project = (typeof projects)[number];

/** Whether its tests use PostgreSQL and Redis. */
export const needsServers = (project: Project): boolean => project !== 'unit';

/** Whether its tests use the running services: those that all its files share, or a fleet of each file's own. */
export const needsFleet = (project: Project): boolean => sharesFleet(project) || startsFleets(project);
export const sharesFleet = (project: Project): boolean => project === 'e2e';
export const startsFleets = (project: Project): boolean => project === 'fleet' || project === 'chaos';

const isProject = (text: string): text is Project => projects.some((project) => project === text);

export interface Selection {
  projects: readonly Project[];
  /** What is left for Jest: flags and patterns. */
  rest: readonly string[];
}

const flag = '--selectProjects';

/** Takes `--selectProjects unit db` or `--selectProjects=unit` out of the arguments; without it all but `chaos` are selected. */
export function readSelection(args: readonly string[]): Selection {
  const at = args.findIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
  const start = args[at];
  if (start === undefined) return { projects: usual, rest: args };
  const after = start === flag ? args.slice(at + 1) : [start.slice(flag.length + 1), ...args.slice(at + 1)];
  const end = after.findIndex((arg) => !isProject(arg));
  const names = after.slice(0, end < 0 ? after.length : end).filter(isProject);
  if (names.length === 0) throw new UserError(`${flag} takes one or more of ${projects.join(', ')}.`);
  return { projects: names, rest: [...args.slice(0, at), ...after.slice(names.length)] };
}
