// Goes on with a TypeScript entry point on the project's own Node, after installing what is missing.
import { spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, projectNode, root } from './install.mjs';

const versionOf = (node) => spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();

/** The other Node in a process of its own, which gets our signals and ends when we do. */
function handOver(script) {
  const child = spawn(projectNode, [script, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/** Under npm we end with it, even when it is killed and can pass no signal on. */
function endWithParent() {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  watch.unref();
}

/** @param {string} script Path of the entry point inside the checkout. */
export async function runOnProjectNode(script) {
  process.chdir(root);
  ensureInstalled();
  endWithParent();
  const entry = join(root, script);
  if (process.version === versionOf(projectNode)) await import(pathToFileURL(entry));
  else handOver(entry);
}
