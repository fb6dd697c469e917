import { Injectable } from '@nestjs/common';
import { found, type Conversation, type ConversationRole } from '@taai/contracts';
import { auditUse } from '@taai/entities';
import { openPrivate, scopeOf, type Openers } from '@taai/rbac';
import { currentCaller } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { BinRepository } from './bin.repository';
import { ConversationRepository } from './conversation.repository';

const openers: Openers = { read: 'conversations:read_any', manage: 'conversations:manage_any' };

/** Whose conversations a caller may see and change: their own, those that are shared with them, and by permission everybody's, audited. */
@Injectable()
export class ConversationAccess {
  constructor(
    private readonly db: DataSource,
    private readonly conversations: ConversationRepository,
    private readonly bin: BinRepository,
  ) {}

  /**
   * The conversation, if the caller may have it as `wanted`. Throws `forbidden`, and `not_found` for the `noun` that was asked for: of
   * what is in a conversation nobody learns more from the refusal than of the conversation.
   */
  async open(id: string, wanted: ConversationRole, noun = 'conversation'): Promise<Conversation> {
    const seen = await this.conversations.findFor(currentCaller().user_id ?? null, id);
    return this.opened(found(noun, seen), wanted, noun);
  }

  /** The conversation that was deleted, if the caller is its owner. Throws as `open` does. */
  async openDeleted(id: string): Promise<Conversation> {
    const deleted = await this.bin.findFor(currentCaller().user_id ?? null, id);
    return this.opened(found('conversation', deleted), 'owner');
  }

  /** The conversation, deleted or not, if the caller is its owner. Throws as `open` does. */
  async openAny(id: string): Promise<Conversation> {
    const user_id = currentCaller().user_id ?? null;
    const living = await this.conversations.findFor(user_id, id);
    // Asked in any case: what is not there takes as long to refuse as what is not the caller's.
    const deleted = await this.bin.findFor(user_id, id);
    return this.opened(found('conversation', living ?? deleted), 'owner');
  }

  /** The user whose conversations a list may show; undefined: everybody's. */
  scope(): string | undefined {
    return scopeOf(currentCaller(), openers.read);
  }

  /** Notes that the caller is shown these conversations, some of which may be theirs. */
  async auditList(ids: readonly string[]): Promise<void> {
    const { tenant_id, user_id = null, issuer } = currentCaller();
    const foreign = issuer === 'gateway' ? await this.conversations.foreign(user_id, ids) : [];
    if (foreign.length === 0) return;
    const after = { permission: openers.read, ids: foreign };
    await auditUse(this.db, { action: 'conversation.listed', target: { type: 'tenant', id: tenant_id }, after });
  }

  private async opened(
    conversation: Conversation,
    wanted: ConversationRole,
    noun = 'conversation',
  ): Promise<Conversation> {
    const { id, role } = conversation;
    const permission = openPrivate(currentCaller(), { noun, role }, wanted, openers);
    const target = { type: 'conversation', id };
    if (permission) await auditUse(this.db, { action: 'conversation.accessed', target, after: { permission } });
    return conversation;
  }
}
