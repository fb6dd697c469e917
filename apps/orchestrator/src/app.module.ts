import { Module } from '@nestjs/common';
import { DatabaseModule } from '@taai/entities';
import {
  Channels,
  createRedis,
  LedgerStream,
  PROCESS_CONFIG,
  readDatabaseConfig,
  readOutboundConfig,
  REDIS,
  RunLogReader,
  SecretBox,
  SecretRotation,
  type ProcessConfig,
  type RedisClient,
} from '@taai/platform';
import { AgentDirectory } from './agent-directory';
import { AgentHandler } from './agent.handler';
import { AgentRepository } from './agent.repository';
import { AgentService } from './agent.service';
import { BreakerLimits } from './breaker-limits';
import { CallerLimits } from './caller-limits';
import { CircuitBreakers } from './circuit-breakers';
import { CompletionLedger } from './completion-ledger';
import { CompletionModels } from './completion-models';
import { CompletionOrders } from './completion-order';
import { CompletionHandler } from './completion.handler';
import { CompletionService } from './completion.service';
import { EmbeddingService } from './embedding.service';
import { ModelCaller } from './model-caller';
import { ModelLists } from './model-lists';
import { ProviderCheckService } from './provider-check.service';
import { PriceBook } from './price-book';
import { ProviderConnector } from './provider-connector';
import { ProviderDirectory } from './provider-directory';
import { ProviderHandler } from './provider.handler';
import { ProviderRepository } from './provider.repository';
import { ProviderService } from './provider.service';
import { RunApproval } from './run-approval';
import { RunExecutor } from './run-executor';
import { RunLeases } from './run-leases';
import { RunLimits } from './run-limits';
import { RunModels } from './run-models';
import { RunStarter } from './run-starter';
import { RunStepRepository } from './run-step.repository';
import { RunSteps } from './run-steps';
import { RunHandler } from './run.handler';
import { RunRepository } from './run.repository';
import { RunService } from './run.service';
import { SecretHandler } from './secret.handler';
import { SecretRepository } from './secret.repository';
import { TenantChanges } from './tenant-changes';
import { TenantDataHandler } from './tenant-data.handler';
import { McpToolLists } from './mcp-tool-lists';
import { ToolBox } from './tool-box';
import { ToolConnector } from './tool-connector';
import { ToolHandler } from './tool.handler';
import { ToolRepository } from './tool.repository';
import { ToolService } from './tool.service';

const outbound = readOutboundConfig();

@Module({
  imports: [DatabaseModule.forRoot(readDatabaseConfig())],
  controllers: [
    ProviderHandler,
    AgentHandler,
    ToolHandler,
    RunHandler,
    CompletionHandler,
    SecretHandler,
    TenantDataHandler,
  ],
  providers: [
    ...[ProviderService, ProviderRepository, AgentService, AgentRepository],
    ...[RunService, RunStarter, RunRepository, RunStepRepository, RunSteps, RunApproval],
    ...[RunExecutor, RunLeases, RunLimits, RunModels],
    ...[TenantChanges, ProviderDirectory, AgentDirectory, ProviderCheckService, ModelLists],
    ...[ModelCaller, CallerLimits, CircuitBreakers, BreakerLimits],
    ...[ToolService, ToolRepository, ToolBox, McpToolLists],
    ...[CompletionService, CompletionOrders, CompletionLedger, CompletionModels, EmbeddingService],
    SecretRepository,
    PriceBook,
    { provide: LedgerStream, inject: [REDIS], useFactory: (redis: RedisClient) => new LedgerStream(redis) },
    {
      provide: SecretBox,
      inject: [SecretRepository],
      useFactory: async (stored: SecretRepository) => {
        const box = new SecretBox(outbound.encryptionKeys);
        box.require(await stored.keyIds(), 'provider and tool credentials');
        return box;
      },
    },
    {
      provide: SecretRotation,
      inject: [SecretBox, SecretRepository],
      useFactory: (box: SecretBox, stored: SecretRepository) => new SecretRotation(box, stored),
    },
    {
      provide: ProviderConnector,
      inject: [SecretBox],
      useFactory: (box: SecretBox) => new ProviderConnector(box, outbound.outboundAllow),
    },
    {
      provide: ToolConnector,
      inject: [SecretBox],
      useFactory: (box: SecretBox) => new ToolConnector(box, outbound.outboundAllow),
    },
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
