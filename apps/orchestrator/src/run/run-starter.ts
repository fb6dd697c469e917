import { Injectable } from '@nestjs/common';
import { found, ProblemError, type Agent, type Run, type StartRun, type StartRunFor } from '@taai/contracts';
import { withTenant, type Tx } from '@taai/entities';
import type { ChatMessage } from '@taai/providers';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { AgentDirectory } from '../agent/agent-directory';
import { ProviderDirectory } from '../provider/provider-directory';
import { RunExecutor } from './run-executor';
import { RunLimits } from './run-limits';
import { DEFAULT_MAX_STEPS } from './run-loop';
import { fillPrompt } from '../agent/system-prompt';
import { RunRepository, type Lease, type NewRun, type RunRow, type RunState } from './run.repository';
import { toRun } from './run.service';

type Order = Pick<NewRun, 'id' | 'agent_id' | 'conversation_id' | 'metadata'> & {
  messages: ChatMessage[];
  variables: Record<string, unknown>;
};

/** Then a run of the tenant's may have ended. */
const RETRY_SECONDS = 5;

/** Starts runs: they are inserted and answered at once, and executed in the background. */
@Injectable()
export class RunStarter {
  constructor(
    private readonly db: DataSource,
    private readonly runs: RunRepository,
    private readonly agents: AgentDirectory,
    private readonly providers: ProviderDirectory,
    private readonly executor: RunExecutor,
    private readonly limits: RunLimits,
  ) {}

  /** Throws `not_found`, `agent_not_ready`, `too_many_runs`, and `validation_failed` for variables. */
  start(input: StartRun): Promise<Run> {
    const { id: agent_id, input: content, metadata = {}, variables = {} } = input;
    const messages: ChatMessage[] = [{ role: 'user', content }];
    const order = { id: v7(), agent_id, conversation_id: null, metadata, messages, variables };
    return this.executor.admit(async (lease) => {
      let created: RunRow | undefined;
      const answer = await withTenant(this.db, async (tx) => {
        created = await this.insert(tx, order, lease);
        if (!created) throw new Error('A new run has an id of its own.');
        return toRun(created);
      });
      return { answer, created };
    });
  }

  /** The same for a conversation. The run of an id that is known stays as it is. */
  startFor({ run_id: id, agent_id, conversation_id, messages }: StartRunFor): Promise<Run> {
    const order = { id, agent_id, conversation_id, metadata: {}, messages, variables: {} };
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
    const { messages, variables, ...run } = order;
    const agent = await this.agents.current(tx, order.agent_id);
    if (!agent.is_active) throw new ProblemError('agent_not_ready', 'The agent is not active.');
    const provider_id = await this.providers.readyId(tx, agent.provider_id);
    if (!(await this.runs.hasRoom(tx)))
      throw new ProblemError('too_many_runs', undefined, { retry_after: RETRY_SECONDS });
    const { user_id = null, api_key_id = null } = currentCaller();
    const prompt = fillPrompt(agent.system_prompt, agent.variables, variables, { now: new Date(), user_id });
    const instructions: ChatMessage[] = prompt ? [{ role: 'system', content: prompt }] : [];
    const state = { ...snapshotOf(agent), provider_id, api_key_id };
    const row = { ...run, agent_version: agent.version, user_id, input: [...instructions, ...messages], state };
    return this.runs.insert(tx, row, lease, this.limits.deadline_seconds);
  }
}

/** What of the agent a run keeps to its end. */
function snapshotOf(agent: Agent): Omit<RunState, 'provider_id' | 'api_key_id'> {
  const { model, temperature, max_output_tokens, fallbacks, parameters, tools, output_schema } = agent;
  const { max_steps, max_cost_micro_usd, requires_approval } = agent;
  return {
    ...{ model, temperature, max_output_tokens, fallbacks, parameters, tools, output_schema },
    ...{ max_steps: max_steps ?? DEFAULT_MAX_STEPS, max_cost_micro_usd, requires_approval },
  };
}
