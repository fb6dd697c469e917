import 'reflect-metadata';
import { openDataSource } from '@taai/entities';
import { readDatabaseConfig, withRpcClient } from '@taai/platform';
import type { DataSource } from 'typeorm';
import { AdminError, type AdminTools } from './admin/command';
import { runAdmin } from './admin/run';

/** `openDataSource` fails with a sentence for operators. */
const open = (): Promise<DataSource> =>
  openDataSource({ url: readDatabaseConfig().url, pool: 1 }).catch((error: unknown) => {
    throw new AdminError(error instanceof Error ? error.message : String(error));
  });

/** The operator's command: it works with the environment of the auth service. */
const tools: AdminTools = {
  onDatabase: async (work) => {
    const db = await open();
    return work(db).finally(() => db.destroy());
  },
  onFleet: (work) => withRpcClient('auth', work),
  print: (line) => void process.stdout.write(`${line}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
};

process.exitCode = await runAdmin(process.argv.slice(2), tools);
