import { Redis } from 'ioredis';
import type { Fleet } from '../../scripts/fleet';
import { startTestFleet, type TestFleet } from '../../scripts/test/test-fleet';
import { Client } from './client';
import { CutReader, type Source } from './cut-reader';
import { asSuperuser } from './database';
import { eventually } from './eventually';
import { newAgent, newTenant, type TestTenant } from './tenant';

/** A run that answers a conversation, and the two streams in which it is told. */
export interface Journey {
  run_id: string;
  conversation_id: string;
  run: Source;
  conversation: Source;
}

/** A fleet with two gateways, of which the first, the orchestrator and all connections to Redis may be lost at any time. */
export class ResumeStage {
  private constructor(
    readonly own: TestFleet,
    readonly tenant: TestTenant,
    private readonly agentId: string,
  ) {}

  static async start(): Promise<ResumeStage> {
    const own = await startTestFleet('own', { replicas: { gateway: 2 } });
    try {
      return await ResumeStage.on(own);
    } catch (error) {
      await own.stop();
      throw error;
    }
  }

  private static async on(own: TestFleet): Promise<ResumeStage> {
    const tenant = await newTenant(new Client(own.fleet.gatewayUrls[0] ?? ''));
    // A vendor that shows what its models think.
    const agentId = await newAgent(tenant, own.sandboxUrl, 'sandbox-1', 'anthropic');
    const tool = await tenant.client.post('/v1/tools', {
      name: 'calculator',
      kind: 'builtin',
      config: { builtin: 'calculator' },
      requires_approval: true,
    });
    const agent = await tenant.client.patch(`/v1/agents/${agentId}`, { tools: ['calculator'] });
    expect([tool.status, agent.status]).toEqual([201, 200]);
    return new ResumeStage(own, tenant, agentId);
  }

  stop(): Promise<void> {
    return this.own.stop();
  }

  /** The gateway that may be lost. */
  get first(): Client {
    return this.tenant.client;
  }

  /** The one that stays. */
  get second(): Client {
    return this.tenant.client.at(this.fleet.gatewayUrls[1] ?? '');
  }

  /** Says something in a new conversation. */
  async begin(content: string): Promise<Journey> {
    const { body } = await this.second.post('/v1/conversations', { agent_id: this.agentId });
    const conversation_id = body['id'] as string;
    const run_id = await this.say(conversation_id, content);
    return {
      ...{ run_id, conversation_id },
      run: { union: 'RunEvent', path: `/v1/runs/${run_id}/events`, first: '0' },
      conversation: {
        ...{ union: 'ConversationEvent', path: `/v1/conversations/${conversation_id}/events` },
        first: conversation_id,
      },
    };
  }

  /** Says something that goes on from nothing. Resolves to the run that answers. */
  async say(conversation_id: string, content: string): Promise<string> {
    const cut = new AbortController();
    const path = `/v1/conversations/${conversation_id}/messages`;
    const body = { content, parent_message_id: null, stream: true };
    const answer = await this.second.fetch('POST', path, { body, signal: cut.signal });
    const run_id = /"run_id":"([^"]+)"/.exec(await firstChunk(answer))?.[1];
    cut.abort();
    if (!run_id) throw new Error(`No run answers ${content}.`);
    return run_id;
  }

  /** Reads the run at the second gateway to its end, and lets the call be made that it waits for. */
  async attend(journey: Journey): Promise<CutReader> {
    const reader = await this.readSecond(journey.run);
    await reader.readTo(({ type }) => type === 'approval.required');
    await this.approve(journey);
    await reader.readToEnd();
    return reader;
  }

  async cancel({ run_id }: Journey): Promise<void> {
    await eventually(async () => expect((await this.second.post(`/v1/runs/${run_id}/cancel`)).status).toBe(200));
  }

  /** Kills the first gateway, and starts it anew at its place once `meanwhile` is done. */
  async loseGateway<T>(meanwhile: () => Promise<T>): Promise<T> {
    const [gateway] = this.fleet.processes.gateway;
    if (!gateway) throw new Error('There is no gateway.');
    gateway.kill('SIGKILL');
    await gateway.exited;
    const result = await meanwhile();
    await this.fleet.restart(gateway);
    await eventually(async () => expect((await this.first.get('/v1/auth/me')).status).toBe(200));
    return result;
  }

  /** Kills the orchestrator, and has another one take its run over. */
  async loseOrchestrator({ run_id }: Journey): Promise<void> {
    const [orchestrator] = this.fleet.processes.orchestrator;
    if (!orchestrator) throw new Error('There is no orchestrator.');
    orchestrator.kill('SIGKILL');
    await orchestrator.exited;
    const expire = `update agent_runs set lease_until = now() - interval '1 s' where id = $1 and lease_until is not null`;
    await asSuperuser(this.own.adminDatabaseUrl, expire, [run_id]);
    await this.fleet.restart(orchestrator);
    await eventually(async () => expect((await this.second.get('/v1/agents')).status).toBe(200));
  }

  /** Breaks every connection of the fleet to Redis. */
  async dropRedis(): Promise<void> {
    const redis = new Redis(this.own.redisUrl);
    try {
      const { db = 0 } = redis.options;
      const [clients, me] = [String(await redis.client('LIST')), await redis.client('ID')];
      const ids = clients
        .split('\n')
        .filter((line) => line.includes(` db=${db} `))
        .flatMap((line) => /^id=(\d+)/.exec(line)?.[1] ?? [])
        .filter((id) => Number(id) !== Number(me));
      await Promise.all(ids.map((id) => redis.client('KILL', 'ID', id)));
    } finally {
      redis.disconnect();
    }
  }

  /** A figure of a gateway, all its labels together. */
  async metric(gateway: 0 | 1, name: string): Promise<number> {
    const port = this.fleet.processes.gateway[gateway]?.ports.management;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(name));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  readFirst = (source: Source): Promise<CutReader> => CutReader.open(this.first, source);
  readSecond = (source: Source): Promise<CutReader> => CutReader.open(this.second, source);

  private async approve({ run_id }: Journey): Promise<void> {
    await eventually(async () => {
      const { steps } = (await this.second.get(`/v1/runs/${run_id}`)).body;
      const { tool_call_id } = steps[0].tool_calls[0];
      const path = `/v1/runs/${run_id}/tool-calls/${tool_call_id}/approval`;
      expect((await this.second.post(path, { decision: 'approve' })).status).toBe(200);
    });
  }

  private get fleet(): Fleet {
    return this.own.fleet;
  }
}

async function firstChunk(answer: Response): Promise<string> {
  const reader = answer.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  return new TextDecoder().decode(value);
}
