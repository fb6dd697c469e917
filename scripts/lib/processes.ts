import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { holdOnLeash } from './leash.ts';

export interface ProcessSpec {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** Whom it runs as; absent: as ourselves. */
  user?: { uid: number; gid: number };
  /** Standard output and error are appended to this file; absent: they are ours. */
  logFile?: string;
  /** Asks it to end; SIGTERM by default. */
  stopSignal?: NodeJS.Signals;
  /** How long it may take to end before SIGKILL; 20,000 by default. */
  graceMs?: number;
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly isRunning: boolean;
  /** Signals the process and its descendants; nothing happens when it has ended. */
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end, and resolves when it has. */
  stop(): Promise<void>;
  /** The end of its log, at most `lines` lines. */
  lastWords(lines?: number): string;
}

const running = new Set<RunningProcess>();
const updateLeash = () => holdOnLeash([...running].map(({ pid }) => pid));

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended in the meantime.
  }
}

function openLog(logFile: string | undefined): number | 'inherit' {
  if (!logFile) return 'inherit';
  mkdirSync(dirname(logFile), { recursive: true });
  return openSync(logFile, 'a');
}

const tailBytes = 16_384;

function lastLines(logFile: string | undefined, lines: number): string {
  if (!logFile) return '';
  const file = openSync(logFile, 'r');
  try {
    const tail = Buffer.alloc(tailBytes);
    const read = readSync(file, tail, 0, tailBytes, Math.max(0, fstatSync(file).size - tailBytes));
    return tail.toString('utf8', 0, read).trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(file);
  }
}

/**
 * Starts a program in a process group of its own, so that a terminal's Ctrl-C reaches only us and the order of stopping is ours.
 * It does not outlive this process. Rejects when the program cannot be executed.
 */
export async function launch(spec: ProcessSpec): Promise<RunningProcess> {
  const output = openLog(spec.logFile);
  const child = spawn(spec.command, spec.args, {
    detached: true,
    stdio: ['ignore', output, output],
    env: spec.env,
    cwd: spec.cwd,
    ...spec.user,
  });
  if (output !== 'inherit') closeSync(output);
  const exited = once(child, 'exit').then((): Exit => ({ code: child.exitCode, signal: child.signalCode }));
  exited.catch(() => undefined);
  await once(child, 'spawn');
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${spec.command} has no process id.`);

  const launched: RunningProcess = {
    pid,
    exited,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    kill: (signal) => killGroup(pid, signal),
    stop: async () => {
      if (launched.isRunning) killGroup(pid, spec.stopSignal ?? 'SIGTERM');
      const late = setTimeout(() => killGroup(pid, 'SIGKILL'), spec.graceMs ?? 20_000);
      await exited.finally(() => clearTimeout(late));
    },
    lastWords: (lines = 3) => lastLines(spec.logFile, lines),
  };
  running.add(launched);
  updateLeash();
  void exited.then(() => {
    running.delete(launched);
    updateLeash();
  });
  return launched;
}

/** Stops what is still running of everything that this process launched. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((launched) => launched.stop()));
}
