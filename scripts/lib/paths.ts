import { join } from 'node:path';

/** The checkout: every entry point works from there, as npm scripts do. */
export const root = process.cwd();

/** What this checkout keeps between starts: data, keys, logs and downloaded programs. */
export const dataFolder = join(root, '.data');
