import { Injectable } from '@nestjs/common';
import type { ChatMessage as SaidMessage } from '@taai/contracts';
import { sql, type Tx } from '@taai/entities';
import { toRunMessage, type RunMessage } from '../file/stored-file';
import { toolMessagesOf } from './execution/run-messages';
import { RunStepRepository } from './run-step.repository';

/** UTF-16 units of what tools were asked and have answered that a run is shown of earlier ones; the newest go before. */
const MAX_CHARACTERS = 200_000;

const IN_CONVERSATION = sql('select id from agent_runs where id = any($1::uuid[]) and conversation_id = $2');

/** What agents did in the turns before, besides what they said. */
@Injectable()
export class RunHistory {
  constructor(private readonly steps: RunStepRepository) {}

  /** The messages, oldest first, with the tool calls of the runs that gave the answers among them, as many of the newest as fit. */
  async withToolCalls(tx: Tx, conversation_id: string, said: readonly SaidMessage[]): Promise<RunMessage[]> {
    const calls = await this.toolCalls(tx, conversation_id, said);
    let left = MAX_CHARACTERS;
    const turns = said.toReversed().map((message) => {
      const before = calls.get(message.run_id ?? '') ?? [];
      left -= before.length === 0 ? 0 : JSON.stringify(before).length;
      return [...(left < 0 ? [] : before), toRunMessage(message)];
    });
    return turns.reverse().flat();
  }

  /** By run. */
  private async toolCalls(tx: Tx, conversation_id: string, said: readonly SaidMessage[]) {
    const asked = said.map(({ run_id }) => run_id).filter((id) => typeof id === 'string');
    const calls = new Map<string, RunMessage[]>();
    if (asked.length === 0) return calls;
    const runs = await tx.read<{ id: string }>(IN_CONVERSATION, [asked, conversation_id]);
    for (const [run_id, steps] of await this.steps.loadAll(
      tx,
      runs.map(({ id }) => id),
    ))
      calls.set(run_id, steps.filter(({ tool_calls }) => tool_calls.length > 0).flatMap(toolMessagesOf));
    return calls;
  }
}
