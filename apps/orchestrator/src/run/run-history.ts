import { Injectable } from '@nestjs/common';
import { sql, type Reader } from '@taai/entities';
import type { RunMessage, SaidMessage } from '../file/stored-file';
import { toolMessagesOf } from './execution/run-messages';
import { RunStepRepository } from './run-step.repository';

/** UTF-16 units of what tools were asked and have answered that a run is shown of earlier ones; the newest go before. */
const MAX_CHARACTERS = 200_000;

const IN_CONVERSATION = sql('select id, output from agent_runs where id = any($1::uuid[]) and conversation_id = $2');

/** What was said, with the tool calls that led to it. */
export interface Spoken {
  message: SaidMessage;
  calls: readonly RunMessage[];
}

/** The output is null as long as the run goes on. */
interface Ended {
  id: string;
  output: string | null;
}

/** What agents did in the turns before. */
@Injectable()
export class RunHistory {
  constructor(private readonly steps: RunStepRepository) {}

  /**
   * The messages, oldest first, with what the runs among them have come to by now: behind each question that another one follows, what its
   * run has answered; with each answer the tool calls of its run, as many of the newest as fit, and none for an agent without tools.
   */
  async complete(
    db: Reader,
    conversation_id: string,
    said: readonly SaidMessage[],
    { hasTools }: { hasTools: boolean },
  ): Promise<Spoken[]> {
    const asked = said.flatMap(({ role, run_id }) => (run_id && (hasTools || role === 'user') ? [run_id] : []));
    const runs = asked.length === 0 ? [] : await db.read<Ended>(IN_CONVERSATION, [asked, conversation_id]);
    const all = withAnswers(said, new Map(runs.map(({ id, output }) => [id, output])));
    const calls = hasTools ? await this.toolCalls(db, runs) : new Map<string, RunMessage[]>();
    let left = MAX_CHARACTERS;
    const spoken = all.toReversed().map((message): Spoken => {
      const before = message.role === 'assistant' ? (calls.get(message.run_id ?? '') ?? []) : [];
      left -= before.length === 0 ? 0 : JSON.stringify(before).length;
      return { message, calls: left < 0 ? [] : before };
    });
    return spoken.reverse();
  }

  /** By run. */
  private async toolCalls(db: Reader, runs: readonly Ended[]): Promise<Map<string, RunMessage[]>> {
    const calls = new Map<string, RunMessage[]>();
    if (runs.length === 0) return calls;
    const ids = runs.map(({ id }) => id);
    for (const [run_id, steps] of await this.steps.loadAll(db, ids))
      calls.set(run_id, steps.filter(({ tool_calls }) => tool_calls.length > 0).flatMap(toolMessagesOf));
    return calls;
  }
}

/** A question that another one follows was asked while its run went on. */
const withAnswers = (said: readonly SaidMessage[], answers: ReadonlyMap<string, string | null>): SaidMessage[] =>
  said.flatMap((message, at): SaidMessage[] => {
    const { role, run_id } = message;
    const answer = role === 'user' && said[at + 1]?.role === 'user' && run_id ? answers.get(run_id) : null;
    return answer ? [message, { role: 'assistant', content: answer, run_id }] : [message];
  });
