import { Module, type DynamicModule, type FactoryProvider, type INestApplicationContext } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { onOutbox } from '../outbox/wake';
import { awaitDataSource, type DatabaseConfig } from './data-source';
import { RlsPool } from './rls-pool';

/** Makes what wakes the relays of the outbox. */
export type OutboxWaker = Omit<FactoryProvider<() => void>, 'provide'>;

/** Provides the `DataSource`, and the `RlsPool` on the same connections, to the whole process; see `openDataSource`. */
@Module({})
export class DatabaseModule {
  /**
   * @param waker What it makes is called after each commit that put something into the outbox.
   * @param patience_ms How long a database that is away is waited for.
   */
  static forRoot(config: DatabaseConfig, waker: OutboxWaker, patience_ms = PATIENCE_MS): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          // Whatever starts the process starts it again: a wrong URL or role is said at once.
          useFactory: () => ({ toRetry: () => false }),
          dataSourceFactory: () => awaitDataSource(config, patience_ms),
        }),
      ],
      providers: [
        { provide: WAKER, ...waker },
        {
          provide: RlsPool,
          inject: [DataSource, WAKER],
          useFactory: (source: DataSource, wake: () => void) => {
            onOutbox(source, wake);
            return new RlsPool(source, config);
          },
        },
      ],
      exports: [RlsPool],
    };
  }
}

const WAKER = Symbol('outbox waker');
const PATIENCE_MS = 60_000;

/** Resolves when the database answers. */
export const pingDatabase = (app: INestApplicationContext): Promise<unknown> => app.get(DataSource).query('select 1');
