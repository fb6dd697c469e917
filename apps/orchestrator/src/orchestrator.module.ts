import { Module, type DynamicModule } from '@nestjs/common';
import { FILE_STORE, fileStoreProvider, type FileStore } from '@taai/files';
import {
  LedgerStream,
  REDIS,
  RunLogRoom,
  runLogProviders,
  SecretBox,
  SecretRotation,
  TokenSpending,
  type RedisClient,
} from '@taai/platform';
import { RunAccess } from './access/run-access';
import { RunAccessRepository } from './access/run-access.repository';
import { PriceBook } from './accounting/price-book';
import { PriceRepository } from './accounting/price.repository';
import { StoredLedger } from './accounting/stored-ledger';
import { StreamedLedger } from './accounting/streamed-ledger';
import { AgentDirectory } from './agent/agent-directory';
import { AgentHandler } from './agent/agent.handler';
import { AgentRepository } from './agent/agent.repository';
import { AgentService } from './agent/agent.service';
import { AuxiliaryModel } from './auxiliary/auxiliary-model';
import { CompletionModels } from './completion/completion-models';
import { CompletionTargets } from './completion/completion-target';
import { CompletionHandler } from './completion/completion.handler';
import { CompletionService } from './completion/completion.service';
import { EmbeddingService } from './completion/embedding.service';
import type { OrchestratorConfig } from './config';
import { ConversationContext } from './context/conversation-context';
import { FileLoader } from './file/file-loader';
import { filesClient } from './file/files';
import { LinkFetcher } from './link/link-fetcher';
import { LinkHandler } from './link/link.handler';
import { BreakerLimits } from './model/breaker-limits';
import { CallerLimits } from './model/caller-limits';
import { CircuitBreakers } from './model/circuit-breakers';
import { ModelCaller } from './model/model-caller';
import { ModelLists } from './provider/model-lists';
import { ProviderCheckService } from './provider/provider-check.service';
import { ProviderConnector } from './provider/provider-connector';
import { ProviderDirectory } from './provider/provider-directory';
import { ProviderHandler } from './provider/provider.handler';
import { ProviderRepository } from './provider/provider.repository';
import { ProviderService } from './provider/provider.service';
import { HeldRunRepository } from './run/execution/held-run.repository';
import { RunExecutor } from './run/execution/run-executor';
import { RunHolder } from './run/execution/run-holder';
import { RunLimits } from './run/execution/run-limits';
import { ConcurrentTurns } from './run/concurrent-turns';
import { RunCancellation } from './run/run-cancellation';
import { RunHistory } from './run/run-history';
import { RunStarter } from './run/run-starter';
import { RunStepRepository } from './run/run-step.repository';
import { RunHandler } from './run/run.handler';
import { RunRepository } from './run/run.repository';
import { RunService } from './run/run.service';
import { SecretHandler } from './secret/secret.handler';
import { SecretRepository } from './secret/secret.repository';
import { SummaryHandler } from './summary/summary.handler';
import { SummaryService } from './summary/summary.service';
import { TenantChanges } from './cache/tenant-changes';
import { TitleHandler } from './title/title.handler';
import { TitleService } from './title/title.service';
import { TenantDataHandler } from './tenant-data.handler';
import { McpToolLists } from './tool/mcp/mcp-tool-lists';
import { ToolBox } from './tool/tool-box';
import { ToolConnector } from './tool/tool-connector';
import { ToolHandler } from './tool/tool.handler';
import { ToolRepository } from './tool/tool.repository';
import { ToolService } from './tool/tool.service';

/** All of the orchestrator but its database and its process. */
@Module({})
export class OrchestratorModule {
  static forRoot({ encryptionKeys, outboundAllow }: OrchestratorConfig): DynamicModule {
    return {
      module: OrchestratorModule,
      controllers: [
        ProviderHandler,
        AgentHandler,
        ToolHandler,
        RunHandler,
        CompletionHandler,
        TitleHandler,
        SummaryHandler,
        LinkHandler,
        SecretHandler,
        TenantDataHandler,
      ],
      providers: [
        ProviderService,
        ProviderRepository,
        AgentService,
        AgentRepository,
        RunService,
        RunAccess,
        RunAccessRepository,
        RunStarter,
        RunHistory,
        ConversationContext,
        RunCancellation,
        ConcurrentTurns,
        FileLoader,
        filesClient,
        fileStoreProvider,
        RunExecutor,
        RunLogRoom,
        RunHolder,
        RunLimits,
        RunRepository,
        HeldRunRepository,
        RunStepRepository,
        TenantChanges,
        ProviderDirectory,
        AgentDirectory,
        ProviderCheckService,
        ModelLists,
        ModelCaller,
        CallerLimits,
        CircuitBreakers,
        BreakerLimits,
        ToolService,
        ToolRepository,
        ToolBox,
        McpToolLists,
        CompletionService,
        CompletionTargets,
        CompletionModels,
        EmbeddingService,
        StreamedLedger,
        StoredLedger,
        AuxiliaryModel,
        TitleService,
        SummaryService,
        PriceBook,
        PriceRepository,
        SecretRepository,
        { provide: TokenSpending, inject: [REDIS], useFactory: (redis: RedisClient) => new TokenSpending(redis) },
        { provide: LedgerStream, inject: [REDIS], useFactory: (redis: RedisClient) => new LedgerStream(redis) },
        {
          provide: SecretBox,
          inject: [SecretRepository],
          useFactory: async (stored: SecretRepository) => {
            const box = new SecretBox(encryptionKeys);
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
          useFactory: (box: SecretBox) => new ProviderConnector(box, outboundAllow),
        },
        {
          provide: ToolConnector,
          inject: [SecretBox],
          useFactory: (box: SecretBox) => new ToolConnector(box, outboundAllow),
        },
        {
          provide: LinkFetcher,
          inject: [FILE_STORE],
          useFactory: (store: FileStore) => new LinkFetcher(store, { allow: outboundAllow }),
        },
        ...runLogProviders,
      ],
    };
  }
}
