import { Injectable } from '@nestjs/common';
import type { ProviderKind } from '@taai/contracts';
import { closeCall, emit, openCall, withTenant, type CloseCall } from '@taai/entities';
import { FernetError } from '@taai/platform';
import { ProviderError, type ProviderAdapter } from '@taai/providers';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import type { ModelReply } from './model-call';
import { ProviderConnector, type Connection } from './provider-connector';
import { ProviderRepository } from './provider.repository';
import { endingEvents, type EventBody } from './run-events';
import { RunFailure } from './run-failure';
import { RunRepository, type RunRow } from './run.repository';
import { accountFor, addUsage, roughPromptTokens, roughUsage, type Account } from './usage-estimate';

/** A provider call that was made. */
interface MadeCall {
  call_id: string;
  kind: ProviderKind;
  reply: ModelReply;
}

/** How a run ends. */
export interface Outcome {
  status: 'completed' | 'failed' | 'cancelled';
  failure: Pick<RunFailure, 'code' | 'message'> | null;
  /** The call that ended it, if there was one. */
  call: MadeCall | null;
}

/** The id of the last event before the step under way; `run.started` is the first. */
export const stepStart = ({ last_event_id }: RunRow): number => Math.max(1, last_event_id);

/**
 * The transactions between which a run is executed. Each commits what the ledger and the run say together, and throws
 * `LeaseLost`, changing nothing, when another replica has the run.
 */
@Injectable()
export class RunSteps {
  constructor(
    private readonly db: DataSource,
    private readonly runs: RunRepository,
    private readonly providers: ProviderRepository,
    private readonly connector: ProviderConnector,
  ) {}

  /** Opens the next call, to be made after the commit. Throws RunFailure when there is nobody to call. */
  open({ id, agent_id, conversation_id, user_id, step, input, state }: RunRow, owner: string) {
    const call_id = v7();
    return withTenant(this.db, async (tx) => {
      const connection = await this.providers.connection(tx, state.provider_id);
      if (!connection)
        throw new RunFailure('agent_not_ready', "The agent's provider is gone, inactive or has no credentials.");
      const adapter = this.connect(tx.tenant_id, connection);
      await this.runs.noteCall(tx, id, owner, call_id);
      const { provider_id, kind: provider_kind } = connection;
      const { model, api_key_id } = state;
      const reasons = { agent_id, run_id: id, step: step + 1, user_id, api_key_id, conversation_id };
      const input_tokens = roughPromptTokens({ messages: input });
      await openCall(tx, { call_id, kind: 'chat', provider_id, provider_kind, model, ...reasons, input_tokens });
      return { call_id, adapter, kind: provider_kind };
    });
  }

  /** Ends the run, and resolves to its last events. `logged`: how many its log has before them. */
  async finish(run: RunRow, owner: string, { status, failure, call }: Outcome, logged: number): Promise<EventBody[]> {
    const account = call && (await this.account(run, call));
    return withTenant(this.db, async (tx) => {
      const ending = {
        status,
        output: call && call.reply.text.toWellFormed(),
        error_code: failure?.code ?? null,
        error_detail: failure?.message ?? null,
        usage: account ? addUsage(run.usage, await closeCall(tx, account)) : run.usage,
      };
      const events = endingEvents(ending);
      await this.runs.finish(tx, run.id, owner, { ...ending, last_event_id: logged + events.length });
      const { id: run_id, agent_id, conversation_id } = run;
      if (status !== 'cancelled') await emit(tx, `agent.run.${status}`, { run_id, agent_id, conversation_id, status });
      return events;
    });
  }

  /** Leaves the run to another replica, which makes the call again. */
  async handOver(run: RunRow, owner: string, call: MadeCall | null): Promise<void> {
    const account = call && (await this.account(run, call));
    await withTenant(this.db, async (tx) => {
      if (account) await this.runs.dropCall(tx, run.id, owner, addUsage(run.usage, await closeCall(tx, account)));
      await this.runs.release(tx, run.id, owner);
    });
  }

  /** Takes a claimed run up, whose log has `logged` events; closes the call that a dead replica left. */
  take(id: string, owner: string, logged: number): Promise<RunRow> {
    return withTenant(this.db, async (tx) => {
      const run = await this.runs.take(tx, id, owner);
      const { call_id } = run.state;
      if (call_id === undefined) return run;
      const pieces = Math.max(0, logged - stepStart(run));
      const estimate: Account = { ...roughUsage({ messages: run.input }, pieces), is_estimated: true };
      const gone = { error_code: 'replica_lost', latency_ms: null };
      const lost = await closeCall(tx, { ...estimate, ...gone, call_id, status: 'estimated' });
      const usage = addUsage(run.usage, lost);
      await this.runs.dropCall(tx, id, owner, usage);
      return { ...run, usage };
    });
  }

  private connect(tenant_id: string, connection: Connection): ProviderAdapter {
    try {
      return this.connector.connect(tenant_id, connection);
    } catch (error) {
      if (error instanceof ProviderError) throw new RunFailure(error.code, error.message);
      if (!(error instanceof FernetError)) throw error;
      throw new RunFailure('agent_not_ready', "The provider's credentials cannot be decrypted: store them again.");
    }
  }

  /** Before the transaction: to estimate may take a while. */
  private async account(run: RunRow, { call_id, kind, reply }: MadeCall): Promise<CloseCall> {
    const { failure, latency_ms } = reply;
    const error_code = failure && codeOf(failure);
    const account = await accountFor(reply, { messages: run.input }, kind);
    return { ...account, call_id, status: 'closed', error_code, latency_ms };
  }
}

const codeOf = (failure: Error): string =>
  failure instanceof ProviderError || failure instanceof RunFailure ? failure.code : 'internal';
