import 'reflect-metadata';
import { openDataSource } from '@taai/entities';
import { readDatabaseConfig } from '@taai/platform';
import { runAdmin } from './admin/run';

/** The operator's command. It works with the auth service's `DATABASE_URL`, and needs neither the fleet nor Redis. */
const { code, text } = await runAdmin(process.argv.slice(2), () =>
  openDataSource({ url: readDatabaseConfig().url, pool: 1 }),
);
(code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
process.exitCode = code;
