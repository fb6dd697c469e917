import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { openDataSource, type DatabaseConfig } from './data-source';
import { RlsPool } from './rls-query';

/** Provides the `DataSource`, and the `RlsPool` on the same connections, to the whole process; see `openDataSource`. */
@Module({})
export class DatabaseModule {
  static forRoot(config: DatabaseConfig): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        TypeOrmModule.forRootAsync({
          // Whatever starts the process starts it again: a wrong URL or role is said at once.
          useFactory: () => ({ toRetry: () => false }),
          dataSourceFactory: () => openDataSource(config),
        }),
      ],
      providers: [
        { provide: RlsPool, inject: [DataSource], useFactory: (source: DataSource) => RlsPool.of(source, config) },
      ],
      exports: [RlsPool],
    };
  }
}

/** Resolves when the database answers. */
export const pingDatabase = (app: INestApplicationContext): Promise<unknown> => app.get(DataSource).query('select 1');
