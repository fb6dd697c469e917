import { randomBytes } from 'node:crypto';
import { Test } from '@nestjs/testing';
import { openDataSource, RlsPool, type UsageRecordEntity } from '@taai/entities';
import { createTenant, createTestDatabase } from '@taai/entities-testing';
import { FILE_STORE, type FileStore } from '@taai/files';
import {
  Channels,
  ContextTokens,
  Fernet,
  REDIS,
  RpcClient,
  RunLogReader,
  SecretBox,
  SecretRotation,
  whenReady,
} from '@taai/platform';
import { makeJwk, redisUrl, testRedis } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { sandboxBaseUrl, type SandboxKind } from '../../../scripts/sandbox/base-url';
import { readCalls, type Call } from '../../../scripts/sandbox/calls';
import { lastUserMessage } from '../../../scripts/sandbox/chat';
import { startSandbox } from '../../../scripts/sandbox/server';
import { AgentDirectory } from './agent/agent-directory';
import { AgentService } from './agent/agent.service';
import { AuxiliaryModel } from './auxiliary/auxiliary-model';
import { FILES, type Files } from './file/files';
import { CircuitBreakers } from './model/circuit-breakers';
import { ModelCaller, type ChatCaller } from './model/model-caller';
import { tokenizers } from './model/tokens';
import { schemas } from './tool/tool-schema';
import { OrchestratorModule } from './orchestrator.module';
import { ProviderCheckService } from './provider/provider-check.service';
import { ProviderDirectory } from './provider/provider-directory';
import { ProviderService } from './provider/provider.service';
import { RunExecutor } from './run/execution/run-executor';
import { RunHolder } from './run/execution/run-holder';
import { RunLimits } from './run/execution/run-limits';
import { RunStarter } from './run/run-starter';
import { RunService } from './run/run.service';
import { SummaryService } from './summary/summary.service';
import { TenantChanges } from './cache/tenant-changes';
import { TitleService } from './title/title.service';
import { ToolBox, type ToolLoader } from './tool/tool-box';
import { ToolService } from './tool/tool.service';

/** An encryption key. */
export const newKey = () => `${randomBytes(32).toString('base64url')}=`;

/** Parts of a replica that a spec may script. */
export interface Parts {
  caller: ChatCaller;
  loader: ToolLoader;
  files: Files;
  store: FileStore;
}

/** A database, a sandbox provider, and any number of orchestrator replicas on them. */
export async function startStage() {
  const firstKey = newKey();
  const database = await createTestDatabase();
  const source = await openDataSource({ url: database.urls.orchestrator, pool: 10 });
  const admin = new Client(database.adminUrl);
  await admin.connect();
  const sandbox = await startSandbox({ port: 0 });
  const stops: (() => Promise<void>)[] = [];

  const redis = testRedis('commands');
  await whenReady(redis);

  const jwk = makeJwk('orchestrator');
  const tokens = new ContextTokens({ service: 'orchestrator', privateJwk: jwk, jwks: [jwk] });
  const rpc = new RpcClient({
    service: 'orchestrator',
    redisUrl: redisUrl(),
    tokens,
    fernet: new Fernet([newKey()]),
  });
  stops.push(() => rpc.close());

  const shared = [
    { provide: DataSource, useValue: source },
    { provide: RlsPool, useValue: new RlsPool(source, { prepare: true }) },
    { provide: REDIS, useValue: redis },
    { provide: RpcClient, useValue: rpc },
  ];
  const stageModule = { module: class {}, global: true, providers: shared, exports: shared };

  /** One more orchestrator, of the service's own module; it looks after its leases only when asked to. */
  async function replica(limits: Partial<RunLimits> = {}, keys = [firstKey], parts: Partial<Parts> = {}) {
    const channels = new Channels(testRedis('subscriber'));
    const orchestrator = OrchestratorModule.forRoot({ encryptionKeys: keys, outboundAllow: ['127.0.0.0/8'] });
    const module = Test.createTestingModule({ imports: [stageModule, orchestrator] })
      .overrideProvider(RunLimits)
      .useValue(Object.assign(new RunLimits(), { drain_ms: 0, ...limits }))
      .overrideProvider(Channels)
      .useValue(channels)
      .overrideProvider(RunLogReader)
      .useValue(new RunLogReader(redis, channels, { silence_ms: 200 }))
      // Unlike the service's, it does not look whether the keys are all that the database needs.
      .overrideProvider(SecretBox)
      .useValue(new SecretBox(keys));
    if (parts.caller) module.overrideProvider(ModelCaller).useValue(parts.caller);
    if (parts.loader) module.overrideProvider(ToolBox).useValue(parts.loader);
    if (parts.files) module.overrideProvider(FILES).useValue(parts.files);
    if (parts.store) module.overrideProvider(FILE_STORE).useValue(parts.store);
    const app = await module.compile();
    stops.push(() => app.close());
    return {
      reader: app.get(RunLogReader),
      holder: app.get(RunHolder),
      executor: app.get(RunExecutor),
      runs: app.get(RunService),
      starter: app.get(RunStarter),
      agents: app.get(AgentService),
      changes: app.get(TenantChanges),
      agentDirectory: app.get(AgentDirectory),
      providers: app.get(ProviderService),
      directory: app.get(ProviderDirectory),
      breakers: app.get(CircuitBreakers),
      checks: app.get(ProviderCheckService),
      auxiliary: app.get(AuxiliaryModel),
      titles: app.get(TitleService),
      summaries: app.get(SummaryService),
      tools: app.get(ToolService),
      toolBox: app.get(ToolBox),
      secrets: app.get(SecretRotation),
    };
  }

  return {
    firstKey,
    source,
    admin,
    redis,
    sandbox,
    replica,
    /** Runs work for a new tenant's user. */
    newUser: async () => {
      const [tenant_id, user_id] = [await createTenant(database), v7()];
      const as = <T>(work: () => T) => runAs({ tenant_id, user_id, permissions: ['*:*'], issuer: 'gateway' }, work);
      return { tenant_id, user_id, as };
    },
    close: async () => {
      await Promise.all(stops.map((stop) => stop()));
      redis.disconnect();
      await Promise.all([tokenizers.stop(), schemas.stop()]);
      await sandbox.close();
      await source.destroy();
      await admin.end();
      await database.drop();
    },
  };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;
export type Replica = Awaited<ReturnType<Stage['replica']>>;
export type User = Awaited<ReturnType<Stage['newUser']>>;

/** An agent of the user that talks to the sandbox, in the format of a vendor. */
export const newAgent = (
  { as }: User,
  { providers, agents }: Replica,
  { sandbox }: Stage,
  kind: SandboxKind = 'openai',
) =>
  as(async () => {
    const provider = await providers.create({ name: 'sandbox', kind, base_url: sandboxBaseUrl(kind, sandbox.url) });
    await providers.putCredentials({ id: provider.id, api_key: 'sk-sandbox' });
    return agents.create({ name: 'Echo', slug: 'echo', system_prompt: 'Repeat.', model: 'sandbox-1' });
  });

/** All that an observer sees of a run, to its end. */
export const watch = ({ as }: User, { reader, runs }: Replica, id: string) =>
  as(() => Array.fromAsync(reader.read(id, { rebuild: async () => (await runs.events(id)).events })));

/** The ledger's rows of a run, oldest first. */
export async function ledger({ admin }: Stage, run_id: string): Promise<UsageRecordEntity[]> {
  // As JSON, in which a bigint is a number.
  const sql = 'select to_jsonb(u) as row from usage_records u where run_id = $1 order by call_id';
  return (await admin.query<{ row: UsageRecordEntity }>(sql, [run_id])).rows.map(({ row }) => row);
}

/** The audit entries of a tenant's changes, on their way out, oldest first. */
export async function audited({ admin }: Stage, { tenant_id }: User): Promise<Record<string, unknown>[]> {
  const sql = `select payload -> 'data' as data from outbox where tenant_id = $1 and type = 'audit.recorded' order by id`;
  return (await admin.query<{ data: Record<string, unknown> }>(sql, [tenant_id])).rows.map(({ data }) => data);
}

/** What the provider saw of the calls whose last message of a user has `mark` in it. */
export async function providerCalls({ sandbox }: Stage, mark: string): Promise<Call[]> {
  return (await readCalls(sandbox.url)).filter(({ messages }) => lastUserMessage(messages).includes(mark));
}
