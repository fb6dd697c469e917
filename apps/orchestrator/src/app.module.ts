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
import { AgentDirectory } from './agent/agent-directory';
import { AgentHandler } from './agent/agent.handler';
import { AgentRepository } from './agent/agent.repository';
import { AgentService } from './agent/agent.service';
import { CompletionLedger } from './accounting/streamed-ledger';
import { CompletionModels } from './completion/completion-models';
import { CompletionOrders } from './completion/completion-order';
import { CompletionHandler } from './completion/completion.handler';
import { CompletionService } from './completion/completion.service';
import { EmbeddingService } from './completion/embedding.service';
import { BreakerLimits } from './model/breaker-limits';
import { CallerLimits } from './model/caller-limits';
import { CircuitBreakers } from './model/circuit-breakers';
import { ModelCaller } from './model/model-caller';
import { PriceBook } from './accounting/price-book';
import { ModelLists } from './provider/model-lists';
import { ProviderCheckService } from './provider/provider-check.service';
import { ProviderConnector } from './provider/provider-connector';
import { ProviderDirectory } from './provider/provider-directory';
import { ProviderHandler } from './provider/provider.handler';
import { ProviderRepository } from './provider/provider.repository';
import { ProviderService } from './provider/provider.service';
import { RunApproval } from './run/run-approval';
import { RunExecutor } from './run/run-executor';
import { RunLeases } from './run/run-leases';
import { RunLimits } from './run/run-limits';
import { RunModels } from './run/run-models';
import { RunStarter } from './run/run-starter';
import { RunStepRepository } from './run/run-step.repository';
import { RunSteps } from './run/held-run';
import { RunHandler } from './run/run.handler';
import { RunRepository } from './run/run.repository';
import { RunService } from './run/run.service';
import { SecretHandler } from './secret/secret.handler';
import { SecretRepository } from './secret/secret.repository';
import { TenantChanges } from './tenant-changes';
import { TenantDataHandler } from './tenant-data.handler';
import { McpToolLists } from './tool/mcp-tool-lists';
import { ToolBox } from './tool/tool-box';
import { ToolConnector } from './tool/tool-connector';
import { ToolHandler } from './tool/tool.handler';
import { ToolRepository } from './tool/tool.repository';
import { ToolService } from './tool/tool.service';

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
