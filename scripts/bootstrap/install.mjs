// Installs the dependencies when they do not match the lockfile. Runs on Node 20, with nothing installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled } from './lockfile.cjs';

export const root = join(fileURLToPath(import.meta.url), '../../..');
const lockfile = join(root, 'package-lock.json');
const installed = join(root, 'node_modules/.package-lock.json');

/** The project's own Node, whatever the machine has. */
export const projectNode = join(root, 'node_modules/node/bin/node');

const isReady = () =>
  existsSync(projectNode) &&
  existsSync(installed) &&
  isInstalled(readFileSync(lockfile, 'utf8'), readFileSync(installed, 'utf8'));

/** The npm that runs us, else the one on PATH. */
function npm() {
  const path = process.env.npm_execpath ?? '';
  return basename(path) === 'npm-cli.js' ? [process.execPath, path] : ['npm'];
}

function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** Ends the process with a sentence when the dependencies cannot be installed. */
export function ensureInstalled() {
  if (Number.parseInt(process.versions.node) < 20) stop(`This is Node ${process.version}: install Node 20 or newer.`);
  if (isReady()) return;
  console.log('Installing the dependencies (npm ci), which takes a minute or two …');
  const [command, ...before] = npm();
  const { status, error } = spawnSync(command, [...before, 'ci', '--include=dev', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (error) stop(`npm could not be run (${error.message}): install npm, which comes with Node.`);
  if (status !== 0)
    stop('The dependencies could not be installed; npm says why above. Start again when that is mended.');
  if (!isReady()) {
    stop(
      `npm installed no ${projectNode}: it may run no install scripts here (ignore-scripts). Run \`npm ci --ignore-scripts=false\`.`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureInstalled();
