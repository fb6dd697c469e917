import { Inject, Injectable } from '@nestjs/common';
import { found, invalidField, notFound, type Conversation, type ListConversations, type PageOf } from '@taai/contracts';
import { audit, idAfter, toPage, withTenant } from '@taai/entities';
import { log } from '@taai/platform';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { ContextCache } from '../context/context-cache';
import { ReplyService } from '../message/reply.service';
import { RUNS, type Runs } from '../orchestrator';
import { BinRepository } from './bin.repository';
import { ConversationAccess } from './conversation-access';
import { ConversationRepository } from './conversation.repository';

/** Deletes conversations, which their owners can restore for 30 days (`BinSweep`). */
@Injectable()
export class BinService {
  constructor(
    private readonly db: DataSource,
    private readonly access: ConversationAccess,
    private readonly conversations: ConversationRepository,
    private readonly bin: BinRepository,
    private readonly contexts: ContextCache,
    private readonly replies: ReplyService,
    @Inject(RUNS) private readonly runs: Runs,
  ) {}

  /** The caller's own that were deleted; newest first. */
  async list({ deleted: _, limit, cursor, ...filters }: ListConversations): Promise<PageOf<Conversation>> {
    if (Object.values(filters).some((value) => value !== undefined))
      throw invalidField('deleted', 'goes with no other filter');
    const rows = await this.bin.page(currentCaller().user_id ?? null, idAfter(cursor), limit + 1);
    return toPage(rows, limit, ({ id }) => [id]);
  }

  /** Permanently means also what was deleted before. */
  async remove(id: string, { permanent }: { permanent: boolean }): Promise<void> {
    const { deleted_at } = permanent ? await this.access.openAny(id) : await this.access.open(id, 'owner');
    await this.contexts.bury(id);
    await withTenant(this.db, async (tx) => {
      const isDone = permanent ? await this.bin.remove(tx, id) : await this.bin.put(tx, id);
      if (!isDone) throw notFound('conversation');
      const before = { deleted_at };
      await audit(tx, {
        action: permanent ? 'conversation.removed' : 'conversation.deleted',
        target: targetOf(id),
        before,
      });
    });
    // Nobody reads what they would answer. What is not told them goes on to its end, and costs what it costs.
    await this.runs
      .cancelFor({ id })
      .catch((error: unknown) => log.warn({ err: error, conversation_id: id }, 'runs of a deleted conversation go on'));
  }

  async restore(id: string): Promise<Conversation> {
    const { deleted_at } = await this.access.openDeleted(id);
    await withTenant(this.db, async (tx) => {
      if (!(await this.bin.takeOut(tx, id))) throw notFound('conversation');
      await audit(tx, { action: 'conversation.restored', target: targetOf(id), before: { deleted_at } });
    });
    // Runs have ended meanwhile whose answers nobody could write. The next message would do it, too.
    await this.replies
      .catchUp(id)
      .catch((error: unknown) => log.warn({ err: error, conversation_id: id }, 'answers are written later'));
    return found('conversation', await this.conversations.findFor(currentCaller().user_id ?? null, id));
  }
}

const targetOf = (id: string) => ({ type: 'conversation', id });
