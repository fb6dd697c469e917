import { Injectable } from '@nestjs/common';
import { found, ProblemError, type Agent, type Run, type StartRun, type StartRunFor } from '@taai/contracts';
import { once, withTenant, type Tx } from '@taai/entities';
import type { ChatMessage } from '@taai/providers';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { AgentRepository } from './agent.repository';
import { ProviderRepository } from './provider.repository';
import { RunExecutor } from './run-executor';
import { RunLimits } from './run-limits';
import { RunRepository, type Lease, type NewRun, type RunRow } from './run.repository';
import { toRun } from './run.service';

type Order = Pick<NewRun, 'id' | 'agent_id' | 'conversation_id' | 'metadata'> & { messages: ChatMessage[] };

/** Starts runs: they are inserted and answered at once, and executed in the background. */
@Injectable()
export class RunStarter {
  constructor(
    private readonly db: DataSource,
    private readonly runs: RunRepository,
    private readonly agents: AgentRepository,
    private readonly providers: ProviderRepository,
    private readonly executor: RunExecutor,
    private readonly limits: RunLimits,
  ) {}

  /** Throws `not_found`, and `agent_not_ready`. */
  start(input: StartRun): Promise<Run> {
    const { id: agent_id, input: content, metadata = {} } = input;
    const messages: ChatMessage[] = [{ role: 'user', content }];
    const order = { id: v7(), agent_id, conversation_id: null, metadata, messages };
    return this.executor.admit((lease) =>
      withTenant(this.db, async (tx) => {
        let created: RunRow | undefined;
        const answer = await once(tx, 'orchestrator.run.start', input, async () => {
          created = await this.insert(tx, order, lease);
          if (!created) throw new Error('A new run has an id of its own.');
          return toRun(created);
        });
        return { answer, created };
      }),
    );
  }

  /** The same for a conversation. The run of an id that is known stays as it is. */
  startFor({ run_id: id, agent_id, conversation_id, messages }: StartRunFor): Promise<Run> {
    const order = { id, agent_id, conversation_id, metadata: {}, messages };
    return this.executor.admit((lease) =>
      withTenant(this.db, async (tx) => {
        const known = await this.runs.find(tx, id);
        const created = known ? undefined : await this.insert(tx, order, lease);
        const run = known ?? created ?? (await this.runs.find(tx, id));
        return { answer: toRun(found('run', run)), created };
      }),
    );
  }

  private async insert(tx: Tx, order: Order, lease: Lease | undefined): Promise<RunRow | undefined> {
    const { messages, ...run } = order;
    const agent = found('agent', await this.agents.find(tx, order.agent_id));
    const provider_id = await this.providerFor(tx, agent);
    const { user_id = null, api_key_id = null } = currentCaller();
    const { model, temperature, max_output_tokens } = agent;
    const instructions: ChatMessage[] = agent.system_prompt ? [{ role: 'system', content: agent.system_prompt }] : [];
    const state = { provider_id, model, temperature, max_output_tokens, api_key_id };
    const input = [...instructions, ...messages];
    const row = { ...run, agent_version: agent.version, user_id, input, state };
    return this.runs.insert(tx, row, lease, this.limits.deadline_seconds);
  }

  private async providerFor(tx: Tx, agent: Agent): Promise<string> {
    if (!agent.is_active) throw new ProblemError('agent_not_ready', 'The agent is not active.');
    const connection = await this.providers.connection(tx, agent.provider_id);
    if (connection) return connection.provider_id;
    const detail = agent.provider_id
      ? "The agent's provider is not active or has no credentials."
      : 'There is no active provider with credentials.';
    throw new ProblemError('agent_not_ready', detail);
  }
}
