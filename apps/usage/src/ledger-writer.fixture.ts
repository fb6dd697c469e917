import { openDataSource } from '@taai/entities';
import { createRedis } from '@taai/platform';
import { LedgerConsumer, type LedgerConsumerOptions } from './ledger.consumer';
import { LedgerWriter } from './ledger.writer';

/** What a writer in a process of its own is told. */
export interface WriterOrder {
  databaseUrl: string;
  redisUrl: string;
  options: LedgerConsumerOptions;
}

/** Says `ready` and writes, until it is killed. */
const { databaseUrl, redisUrl, options } = JSON.parse(process.env['WRITER_ORDER'] ?? '') as WriterOrder;
const db = await openDataSource({ url: databaseUrl, pool: 3 });
const redis = createRedis(redisUrl, { role: 'commands', connectionName: 'fixture' });
const blocking = createRedis(redisUrl, { role: 'blocking', connectionName: 'fixture:ledger' });
new LedgerWriter(db, new LedgerConsumer(redis, blocking, options)).onApplicationBootstrap();
process.send?.('ready');
process.on('disconnect', () => process.exit(0));
