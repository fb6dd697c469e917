import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import {
  Channels,
  createRedis,
  PROCESS_CONFIG,
  readDatabaseConfig,
  readOutboundConfig,
  REDIS,
  RunLogReader,
  type ProcessConfig,
  type RedisClient,
} from '@taai/platform';
import { AgentHandler } from './agent.handler';
import { AgentRepository } from './agent.repository';
import { AgentService } from './agent.service';
import { ProviderConnector } from './provider-connector';
import { ProviderHandler } from './provider.handler';
import { ProviderRepository } from './provider.repository';
import { ProviderService } from './provider.service';
import { RunExecutor } from './run-executor';
import { RunLeases } from './run-leases';
import { RunLimits } from './run-limits';
import { RunStarter } from './run-starter';
import { RunSteps } from './run-steps';
import { RunHandler } from './run.handler';
import { RunRepository } from './run.repository';
import { RunService } from './run.service';
import { TenantDataHandler } from './tenant-data.handler';

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [ProviderHandler, AgentHandler, RunHandler, TenantDataHandler],
  providers: [
    ...[ProviderService, ProviderRepository, AgentService, AgentRepository],
    ...[RunService, RunStarter, RunRepository, RunSteps, RunExecutor, RunLeases, RunLimits],
    { provide: ProviderConnector, useFactory: () => new ProviderConnector(readOutboundConfig()) },
    {
      provide: Channels,
      inject: [PROCESS_CONFIG],
      useFactory: ({ redisUrl }: ProcessConfig) =>
        new Channels(createRedis(redisUrl, { role: 'subscriber', connectionName: 'orchestrator:runs' })),
    },
    {
      provide: RunLogReader,
      inject: [REDIS, Channels],
      useFactory: (redis: RedisClient, channels: Channels) => new RunLogReader(redis, channels),
    },
  ],
})
export class AppModule {}
