import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import { readDatabaseConfig } from '@taai/platform';
import { LedgerUpkeep } from './ledger.upkeep';
import { TenantDataHandler } from './tenant-data.handler';
import { UsageHandler } from './usage.handler';
import { UsageRepository } from './usage.repository';
import { UsageService } from './usage.service';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [UsageHandler, TenantDataHandler],
  providers: [LedgerUpkeep, UsageRepository, UsageService],
})
export class AppModule {}
