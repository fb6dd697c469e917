import type { RpcClient } from '@taai/platform';
import type { DataSource } from 'typeorm';

/** What a command works with. A connection is opened when the command asks for it, and closed behind it. */
export interface AdminTools {
  /** The auth service's database. Throws one sentence when it cannot be used. */
  readonly onDatabase: <T>(work: (db: DataSource) => Promise<T>) => Promise<T>;
  /** The running fleet, which is called as the auth service. */
  readonly onFleet: <T>(work: (rpc: RpcClient) => Promise<T>) => Promise<T>;
  readonly print: (line: string) => void;
  /** Where failures are said. */
  readonly complain: (line: string) => void;
}

/** A command that an operator may run. */
export interface Command {
  /** Names of its arguments, all of them required. */
  takes: readonly string[];
  summary: string;
  /** Resolves to its exit code. Throws `AdminError` for what an operator can put right. */
  run(tools: AdminTools, args: readonly string[]): Promise<number>;
}

/** A failure whose message is all that an operator needs to know. */
export class AdminError extends Error {}
