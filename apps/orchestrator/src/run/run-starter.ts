import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  ProblemError,
  type Agent,
  type Attachment,
  type Run,
  type StartRun,
  type StartRunFor,
} from '@taai/contracts';
import { RlsPool, withTenant, type Tx } from '@taai/entities';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { AgentDirectory } from '../agent/agent-directory';
import { ConversationContext, summaryMessage, type Counted } from '../context/conversation-context';
import { FILES, type Files } from '../file/files';
import { toRunMessage, toSaidMessage, type RunMessage, type SaidMessage } from '../file/stored-file';
import { fillPrompt } from '../agent/system-prompt';
import { ProviderDirectory } from '../provider/provider-directory';
import { RunExecutor, type Slot } from './execution/run-executor';
import { RunLimits } from './execution/run-limits';
import { DEFAULT_MAX_STEPS } from './execution/run-request';
import type { NewRun, RunRow, RunState } from './run-row';
import { toRun } from './run-view';
import { ConcurrentTurns } from './concurrent-turns';
import { RunRepository } from './run.repository';

type Order = Pick<NewRun, 'id' | 'agent_id' | 'conversation_id' | 'metadata'> & {
  messages: SaidMessage[];
  variables: Record<string, unknown>;
  /** Of a run in a conversation. */
  counted?: Counted;
};

/** By then another run of the tenant may have ended. */
const RETRY_SECONDS = 5;

/** Starts runs: they are inserted and answered at once, and executed in the background. */
@Injectable()
export class RunStarter {
  constructor(
    private readonly db: DataSource,
    private readonly rls: RlsPool,
    private readonly runs: RunRepository,
    private readonly agents: AgentDirectory,
    private readonly providers: ProviderDirectory,
    private readonly executor: RunExecutor,
    private readonly limits: RunLimits,
    private readonly context: ConversationContext,
    private readonly turns: ConcurrentTurns,
    @Inject(FILES) private readonly files: Files,
  ) {}

  /** Throws `not_found`, for attachments too, `agent_not_ready`, `too_many_runs`, and `validation_failed` for variables. */
  async start(input: StartRun): Promise<Run> {
    const { id: agent_id, input: content, metadata = {}, variables = {} } = input;
    const messages = [toRunMessage({ role: 'user', content, attachments: await this.attached(input) })];
    const order = { id: v7(), agent_id, conversation_id: null, metadata, messages, variables };
    return this.withSlot(async (tx, slot) => {
      const created = await this.insert(tx, order, slot);
      if (!created) throw new Error('A new run has an id of its own.');
      return toRun(created);
    });
  }

  /**
   * Starts the run that answers a conversation, or lines it up behind the turns before. A run that has the id already stays as it is. Throws
   * `turn_in_progress` and `too_many_turns`, too.
   */
  async startFor({ run_id: id, agent_id, conversation_id, messages, summary }: StartRunFor): Promise<Run> {
    const earlier = await this.runs.get(id);
    if (earlier) return toRun(earlier);
    const said = [...(summary ? [summaryMessage(summary)] : []), ...messages.map(toSaidMessage)];
    const counted = await this.count(agent_id, conversation_id, said);
    return this.withSlot(async (tx, slot) => {
      const known = await this.runs.find(tx, id);
      if (known) return toRun(known);
      const order = { id, agent_id, conversation_id, metadata: {}, messages: said, variables: {}, counted };
      const created = await this.insert(tx, order, slot);
      return toRun(found('run', created ?? (await this.runs.find(tx, id))));
    });
  }

  private async count(agent_id: string, id: string, said: readonly SaidMessage[]): Promise<Counted> {
    const agent = await this.agents.current(this.rls, agent_id);
    return this.context.count(agent, { id, prompt: promptOf(agent, {}), said });
  }

  /** The files that the caller may read, and wants the agent to see. */
  private async attached({ attachments = [] }: StartRun): Promise<Attachment[]> {
    if (attachments.length === 0) return [];
    return (await this.files.describe({ file_ids: attachments.map(({ file_id }) => file_id) })).data;
  }

  /** Does the work of a start with a slot when this replica has one for the tenant; a run without one is queued. */
  private async withSlot(work: (tx: Tx, slot: Slot | undefined) => Promise<Run>): Promise<Run> {
    const slot = this.executor.reserve();
    try {
      return await withTenant(this.db, (tx) => work(tx, slot));
    } finally {
      if (slot) this.executor.cancel(slot);
    }
  }

  /** Inserts the run, to be launched after the commit if it has a lease and its turn. Undefined when there is a run with its id. */
  private async insert(tx: Tx, order: Order, slot: Slot | undefined): Promise<RunRow | undefined> {
    const { messages, variables, counted, ...run } = order;
    const { conversation_id } = run;
    const agent = await this.agents.current(tx, order.agent_id);
    if (!agent.is_active) throw new ProblemError('agent_not_ready', 'The agent is not active.');
    const provider_id = await this.providers.readyId(tx, agent.provider_id);
    const turn = conversation_id ? await this.turns.admit(tx, agent, conversation_id) : null;
    if (!(await this.runs.hasRoom(tx)))
      throw new ProblemError('too_many_runs', undefined, { retry_after: RETRY_SECONDS });
    const { user_id = null, api_key_id = null } = currentCaller();
    const prompt = promptOf(agent, variables);
    const instructions: RunMessage[] = prompt ? [{ role: 'system', content: prompt }] : [];
    // A turn that waits is given the answers that it waits for, and its share of the window, when it begins.
    const { messages: shown, ...note } =
      conversation_id && counted && turn === null
        ? await this.context.of(tx, agent, { id: conversation_id, prompt, said: messages }, counted)
        : { messages };
    const state = { ...snapshotOf(agent), provider_id, api_key_id, ...note };
    const row = { ...run, agent_version: agent.version, user_id, input: [...instructions, ...shown], state, turn };
    const lease = turn === null ? slot?.lease : undefined;
    const created = await this.runs.insert(tx, row, lease, this.limits.deadline_seconds);
    if (created && lease && slot) tx.afterCommit(() => this.executor.launch(created, slot));
    // What it waits for may have ended meanwhile, without seeing it.
    if (created && turn !== null) tx.afterCommit(() => this.executor.beginTurn(created));
    return created;
  }
}

/** The agent's system prompt for the caller. */
function promptOf({ system_prompt, variables }: Agent, given: Record<string, unknown>): string {
  return fillPrompt(system_prompt, variables, given, { now: new Date(), user_id: currentCaller().user_id ?? null });
}

/** The part of the agent that a run keeps to its end. */
function snapshotOf(agent: Agent): Omit<RunState, 'provider_id' | 'api_key_id'> {
  return {
    model: agent.model,
    temperature: agent.temperature,
    max_output_tokens: agent.max_output_tokens,
    fallbacks: agent.fallbacks,
    parameters: agent.parameters,
    tools: agent.tools,
    output_schema: agent.output_schema,
    max_steps: agent.max_steps ?? DEFAULT_MAX_STEPS,
    max_cost_micro_usd: agent.max_cost_micro_usd,
    requires_approval: agent.requires_approval,
    separate_approver: agent.separate_approver,
    concurrent_turns: agent.concurrent_turns,
    context_tokens: agent.context_tokens,
  };
}
