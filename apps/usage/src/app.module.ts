import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import {
  createRedis,
  PROCESS_CONFIG,
  readDatabaseConfig,
  REDIS,
  type ProcessConfig,
  type RedisClient,
  outboxWaker,
} from '@taai/platform';
import { LedgerConsumer } from './ledger.consumer';
import { LedgerUpkeep } from './ledger.upkeep';
import { LedgerWriter } from './ledger.writer';
import { PriceHandler } from './price.handler';
import { PriceRepository } from './price.repository';
import { PriceService } from './price.service';
import { TenantDataHandler } from './tenant-data.handler';
import { UsageHandler } from './usage.handler';
import { UsageRepository } from './usage.repository';
import { UsageService } from './usage.service';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig(), outboxWaker)],
  controllers: [UsageHandler, PriceHandler, TenantDataHandler],
  providers: [
    LedgerUpkeep,
    LedgerWriter,
    UsageRepository,
    UsageService,
    PriceRepository,
    PriceService,
    {
      provide: LedgerConsumer,
      inject: [PROCESS_CONFIG, REDIS],
      useFactory: ({ redisUrl }: ProcessConfig, redis: RedisClient) =>
        new LedgerConsumer(redis, createRedis(redisUrl, { role: 'blocking', connectionName: 'usage:ledger' })),
    },
  ],
})
export class AppModule {}
