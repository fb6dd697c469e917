import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A Redis server that can be started. */
export interface RedisProgram {
  command: string;
  /** Besides our own environment. */
  env?: NodeJS.ProcessEnv;
}

/** BLMPOP, which the RPC transport reads with, came with Redis 7. */
export const lowestMajor = 7;

/** The major version in what `redis-server --version` prints; undefined when there is none. */
export function majorVersion(line: string): number | undefined {
  const major = /\bv=(\d+)\./.exec(line)?.[1];
  return major === undefined ? undefined : Number(major);
}

/** Runs the program once. @throws Error when it does not run here or is too old. */
export async function checkProgram({ command, env }: RedisProgram): Promise<void> {
  const options = { env: { ...process.env, ...env }, timeout: 10_000 };
  const { stdout } = await promisify(execFile)(command, ['--version'], options);
  const major = majorVersion(stdout);
  if (major === undefined || major < lowestMajor)
    throw new Error(`version ${major ?? 'unknown'} is below ${lowestMajor}`);
}
