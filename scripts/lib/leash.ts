import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

// A shell that reads the process groups we run, one line for each change. Its input ends when we die, even by SIGKILL; then it
// interrupts the groups of the last line. CONT lets a stopped process hear it.
const script = `
trap '' INT TERM HUP
while read -r line; do groups=$line; done
[ -n "$groups" ] || exit 0
kill -s INT -- $groups
kill -s CONT -- $groups
`;

let leash: ChildProcess | undefined;

function startLeash(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
  child.unref();
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  if (child.stdin instanceof Socket) child.stdin.unref();
  return child;
}

/** From now on exactly these process groups are interrupted should this process die without stopping them. */
export function holdOnLeash(groups: readonly number[]): void {
  leash ??= startLeash();
  leash.stdin?.write(`${groups.map((group) => `-${group}`).join(' ')}\n`);
}
