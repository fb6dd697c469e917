import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  hasEnded,
  notFound,
  ProblemError,
  type ConversationRun,
  type Message,
  type Run,
  type RunReply,
} from '@taai/contracts';
import { emit, withTenant } from '@taai/entities';
import { DataSource } from 'typeorm';
import { asChat } from '../as-chat';
import { ContextService } from '../context/context.service';
import { ConversationRepository } from '../conversation/conversation.repository';
import { SummaryService } from '../summary/summary.service';
import { MessageRepository } from './message.repository';
import { MessageWake } from './message-wake';
import { RUNS, type Runs } from '../orchestrator';
import { TitleService } from '../title/title.service';

/** Messages that are looked at for missing replies, and regenerations. */
const CATCH_UP = 20;

/** Writes the answers of runs into their conversations. Several callers may do it at once: each answer is written once. */
@Injectable()
export class ReplyService {
  constructor(
    private readonly db: DataSource,
    private readonly conversations: ConversationRepository,
    private readonly messages: MessageRepository,
    private readonly wake: MessageWake,
    private readonly titles: TitleService,
    private readonly context: ContextService,
    private readonly summaries: SummaryService,
    @Inject(RUNS) private readonly runs: Runs,
  ) {}

  /** Writes the reply, if the run has ended. The reply is null while the run goes on, and when it ended without output. */
  async settle({ conversation_id, run_id }: ConversationRun): Promise<RunReply> {
    const written = await this.messages.findAnswer(conversation_id, run_id);
    if (written) return { reply: written };
    const run = await this.runs.outcome({ id: run_id });
    if (run.conversation_id !== conversation_id) throw notFound('run');
    const content = answerOf(run);
    return { reply: content === null ? null : await this.write(conversation_id, run_id, content) };
  }

  /** Writes the missing replies of runs among the newest messages of the conversation, so that the next run is given what users have already seen. */
  catchUp(conversation_id: string): Promise<void> {
    return asChat(async () => {
      for (const run_id of await this.messages.unanswered(conversation_id, CATCH_UP)) {
        await this.settleIfAny({ conversation_id, run_id });
      }
    });
  }

  /** Like `settle`, for a run that may never have been started, or whose conversation may be gone. */
  async settleIfAny(run: ConversationRun): Promise<void> {
    await this.settle(run).catch((error: unknown) => {
      if (!(error instanceof ProblemError && error.code === 'not_found')) throw error;
    });
  }

  private async write(conversation_id: string, run_id: string, content: string): Promise<Message> {
    const message = await withTenant(this.db, async (tx) => {
      const id = found('conversation', await this.conversations.lockForMessage(tx, conversation_id));
      const inserted = await this.messages.insertAnswer(tx, { id, conversation_id, run_id, content });
      if (!inserted) return undefined;
      await emit(tx, 'message.created', { ...inserted });
      this.wake.afterCommit(tx, conversation_id);
      tx.afterCommit(() => this.titles.answered(conversation_id));
      return inserted;
    });
    if (message) await this.follow(message);
    return found('message', message ?? (await this.messages.findAnswer(conversation_id, run_id)));
  }

  /** What a new reply entails. */
  private async follow(reply: Message): Promise<void> {
    await this.context.follow(reply);
    this.summaries.follow(reply);
  }
}

/** The run's output, incomplete if the run was cut off. Null while the run goes on, and when it was cut off before any output. */
function answerOf(run: Run): string | null {
  if (!hasEnded(run)) return null;
  return run.status === 'completed' ? (run.output ?? '') : run.output || null;
}
