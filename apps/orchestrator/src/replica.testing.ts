import { randomBytes } from 'node:crypto';
import { openDataSource, RlsPool, type UsageRecordEntity } from '@taai/entities';
import { createTenant, createTestDatabase } from '@taai/entities-testing';
import {
  Channels,
  ContextTokens,
  Fernet,
  RpcClient,
  RunLogReader,
  SecretBox,
  SecretRotation,
  whenReady,
  type RedisRole,
} from '@taai/platform';
import { makeJwk, redisUrl, testRedis } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { sandboxBaseUrl, type SandboxKind } from '../../../scripts/sandbox/base-url';
import { readCalls, type Call } from '../../../scripts/sandbox/calls';
import { lastUserMessage } from '../../../scripts/sandbox/chat';
import { startSandbox } from '../../../scripts/sandbox/server';
import { AgentDirectory } from './agent/agent-directory';
import { AgentRepository } from './agent/agent.repository';
import { AgentService } from './agent/agent.service';
import { BreakerLimits } from './model/breaker-limits';
import { CallerLimits } from './model/caller-limits';
import { CircuitBreakers } from './model/circuit-breakers';
import { ModelCaller, type Asker } from './model/model-caller';
import { PriceBook } from './accounting/price-book';
import { tokenizers } from './model/tokens';
import { ModelLists } from './provider/model-lists';
import { ProviderCheckService } from './provider/provider-check.service';
import { ProviderConnector } from './provider/provider-connector';
import { ProviderDirectory } from './provider/provider-directory';
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
import { RunRepository } from './run/run.repository';
import { RunService } from './run/run.service';
import { SecretRepository } from './secret/secret.repository';
import { TenantChanges } from './tenant-changes';
import { McpToolLists } from './tool/mcp-tool-lists';
import { ToolBox, type ToolLoader } from './tool/tool-box';
import { ToolConnector } from './tool/tool-connector';
import { ToolRepository } from './tool/tool.repository';
import { ToolService } from './tool/tool.service';

/** An encryption key. */
export const newKey = () => `${randomBytes(32).toString('base64url')}=`;

/** Parts of a replica that a spec may script. */
export interface Parts {
  caller: Asker;
  loader: ToolLoader;
}

/** A database, a sandbox provider, and any number of orchestrator replicas on them. */
export async function startStage() {
  const firstKey = newKey();
  const database = await createTestDatabase();
  const source = await openDataSource({ url: database.urls.orchestrator, pool: 10 });
  const admin = new Client(database.adminUrl);
  await admin.connect();
  const sandbox = await startSandbox({ port: 0 });
  const closers: (() => void)[] = [];
  const stops: (() => Promise<void>)[] = [];

  const connect = (role: RedisRole) => {
    const redis = testRedis(role);
    closers.push(() => redis.disconnect());
    return redis;
  };
  const redis = connect('commands');
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

  /** Its parts, wired as in the module; it looks after its leases only when asked to. */
  function replica(limits: Partial<RunLimits> = {}, keys = [firstKey], parts: Partial<Parts> = {}) {
    const settings = Object.assign(new RunLimits(), { drain_ms: 0, ...limits });
    const rls = RlsPool.of(source, { prepare: true });
    const channels = new Channels(connect('subscriber'));
    const reader = new RunLogReader(redis, channels, { silence_ms: 200 });
    const box = new SecretBox(keys);
    const allow = ['127.0.0.0/8'];
    const connector = new ProviderConnector(box, allow);
    const toolConnector = new ToolConnector(box, allow);
    const tools = new ToolRepository(rls);
    const toolBox = new ToolBox(tools, toolConnector, new McpToolLists(toolConnector), rpc);
    const runs = new RunRepository(rls);
    const agents = new AgentRepository();
    const providers = new ProviderRepository();
    const changes = new TenantChanges(redis, channels);
    const directory = new ProviderDirectory(source, providers, connector, changes);
    const agentDirectory = new AgentDirectory(source, agents, changes);
    const breakers = new CircuitBreakers(redis, channels, new BreakerLimits());
    const stepRows = new RunStepRepository();
    const steps = new RunSteps(source, runs, stepRows, settings);
    const models = new RunModels(directory, new PriceBook(rls, channels));
    const { caller = new ModelCaller(breakers, new CallerLimits()), loader = toolBox } = parts;
    const executor = new RunExecutor(steps, models, caller, loader, redis, channels, settings);
    const approval = new RunApproval(source, runs, stepRows, executor);
    const leases = new RunLeases(source, rls, executor, settings);
    stops.push(() => leases.beforeApplicationShutdown());
    return {
      reader,
      steps,
      executor,
      models,
      leases,
      runs: new RunService(source, runs, stepRows, approval, executor, agents, reader, redis),
      starter: new RunStarter(source, runs, agentDirectory, directory, executor, settings),
      agents: new AgentService(source, agents, redis, changes),
      changes,
      agentDirectory,
      providers: new ProviderService(source, providers, connector, box, redis, changes),
      directory,
      breakers,
      checks: new ProviderCheckService(source, directory, new ModelLists(redis), breakers),
      tools: new ToolService(source, tools, toolConnector, redis),
      toolBox,
      secrets: new SecretRotation(box, new SecretRepository(source, rls)),
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
      closers.forEach((close) => close());
      await tokenizers.stop();
      await sandbox.close();
      await source.destroy();
      await admin.end();
      await database.drop();
    },
  };
}

export type Stage = Awaited<ReturnType<typeof startStage>>;
export type Replica = ReturnType<Stage['replica']>;
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
