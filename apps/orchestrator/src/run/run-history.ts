import { Injectable } from '@nestjs/common';
import type { ChatMessage as SaidMessage } from '@taai/contracts';
import { RlsPool, sql } from '@taai/entities';
import type { RunMessage } from '../file/stored-file';
import { toolMessagesOf } from './execution/run-messages';
import { RunStepRepository } from './run-step.repository';

/** UTF-16 units of what tools were asked and have answered that a run is shown of earlier ones; the newest go before. */
const MAX_CHARACTERS = 200_000;

const IN_CONVERSATION = sql('select id from agent_runs where id = any($1::uuid[]) and conversation_id = $2');

/** What agents did in the turns before, besides what they said. */
@Injectable()
export class RunHistory {
  constructor(
    private readonly rls: RlsPool,
    private readonly steps: RunStepRepository,
  ) {}

  /** The tool calls of the runs that gave the answers, by run, as many of the newest as fit: all of a run, or none. */
  async toolCalls(conversation_id: string, said: readonly SaidMessage[]): Promise<Map<string, RunMessage[]>> {
    const asked = said.map(({ run_id }) => run_id).filter((id) => typeof id === 'string');
    const calls = asked.length === 0 ? new Map<string, RunMessage[]>() : await this.callsOf(conversation_id, asked);
    let left = MAX_CHARACTERS;
    for (const run_id of asked.toReversed()) {
      left -= lengthOf(calls.get(run_id));
      if (left < 0) calls.delete(run_id);
    }
    return calls;
  }

  private async callsOf(conversation_id: string, asked: readonly string[]): Promise<Map<string, RunMessage[]>> {
    const runs = await this.rls.read<{ id: string }>(IN_CONVERSATION, [asked, conversation_id]);
    const ids = runs.map(({ id }) => id);
    const steps = ids.length === 0 ? [] : await this.steps.loadAll(this.rls, ids);
    return new Map(
      [...steps].map(([run_id, taken]) => [
        run_id,
        taken.filter(({ tool_calls }) => tool_calls.length > 0).flatMap(toolMessagesOf),
      ]),
    );
  }
}

const lengthOf = (calls: readonly RunMessage[] = []): number => (calls.length === 0 ? 0 : JSON.stringify(calls).length);
