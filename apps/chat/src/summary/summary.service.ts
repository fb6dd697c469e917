import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { SUMMARY_MS, type Message } from '@taai/contracts';
import { log, messageOf } from '@taai/platform';
import { v7 } from 'uuid';
import { asChat } from '../as-chat';
import { ContextCache } from '../context/context-cache';
import { ContextRepository } from '../context/context.repository';
import { RUNS, SUMMARIES, type Runs, type Summaries } from '../orchestrator';
import { SummaryRepository } from './summary.repository';

/** Conversations for which one replica has summaries written at once. The others come again with their next reply. */
const MAX_AT_ONCE = 50;
/** So long nobody else tries: longer than the orchestrator takes, and what comes before and after. */
const CLAIM_SECONDS = (2 * SUMMARY_MS) / 1000;
/** For the summaries that are being written when the replica stops. */
const STOP_MS = 5000;

/**
 * Has what falls out of contexts summarized, once for 20 messages, after the reply with which so many have fallen out: no turn waits for it,
 * and until it is there the next ones are shown the messages. One that fails is tried again after the next reply.
 */
@Injectable()
export class SummaryService implements BeforeApplicationShutdown {
  private readonly underWay = new Map<string, Promise<void>>();
  private stopping = false;

  constructor(
    private readonly contexts: ContextRepository,
    private readonly summaries: SummaryRepository,
    private readonly cache: ContextCache,
    @Inject(RUNS) private readonly runs: Runs,
    @Inject(SUMMARIES) private readonly models: Summaries,
  ) {}

  /** Looks in the background whether a summary is due in the branch that leads to the reply. */
  follow(reply: Message): void {
    const { conversation_id } = reply;
    if (this.stopping || this.underWay.has(conversation_id) || this.underWay.size >= MAX_AT_ONCE) return;
    const done = asChat(() => this.write(reply))
      .catch((error: unknown) =>
        log.warn({ reason: messageOf(error), conversation_id }, 'a summary is left to the next reply'),
      )
      .finally(() => this.underWay.delete(conversation_id));
    this.underWay.set(conversation_id, done);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await Promise.race([Promise.all(this.underWay.values()), delay(STOP_MS, undefined, { ref: false })]);
  }

  private async write({ conversation_id, id, run_id }: Message): Promise<void> {
    const window = await this.contexts.window(conversation_id);
    if (!window?.summarize) return;
    const due = await this.summaries.due(conversation_id, id, await this.windowOf(window.messages, run_id));
    if (!due) return;
    const claim_id = v7();
    const { message_id, ...said } = due;
    if (!(await this.summaries.claim(conversation_id, message_id, claim_id, CLAIM_SECONDS))) return;
    try {
      const { content } = await this.models.write({ agent_id: window.agent_id, conversation_id, ...said });
      await this.summaries.store(message_id, content);
      await this.cache.forget(conversation_id);
    } catch (error) {
      await this.summaries.giveUp(message_id, claim_id).catch(() => undefined);
      throw error;
    }
  }

  /** How many messages the agent was shown in this turn: as many as it may be, or as its model's window holds. */
  private async windowOf(messages: number, run_id: string | null): Promise<number> {
    const shown = run_id === null ? null : (await this.runs.shown({ id: run_id })).messages;
    return Math.min(messages, shown ?? messages);
  }
}
