import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  found,
  invalidField,
  limits,
  notFound,
  ProblemError,
  readTimestamp,
  type CreatedShare,
  type CreateShare,
  type FollowShared,
  type ReadShared,
  type Share,
  sharedMessageOf,
  type SharedConversation,
  type SharedStart,
  type Shares,
} from '@taai/contracts';
import { audit, idAfter, toFittingPage, withTenant, type Tx } from '@taai/entities';
import { sha256 } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { DataSource } from 'typeorm';
import { v7 } from 'uuid';
import { CHAT_CONFIG, type ChatConfig } from '../config';
import { ConversationAccess } from '../conversation/conversation-access';
import { ConversationRepository } from '../conversation/conversation.repository';
import { EventService } from '../event/event.service';
import { MessageRepository } from '../message/message.repository';
import { ShareRepository } from './share.repository';

/** Links by which people without an account read a conversation. */
@Injectable()
export class ShareService {
  constructor(
    private readonly db: DataSource,
    private readonly access: ConversationAccess,
    private readonly conversations: ConversationRepository,
    private readonly messages: MessageRepository,
    private readonly shares: ShareRepository,
    private readonly events: EventService,
    @Inject(CHAT_CONFIG) private readonly config: ChatConfig,
  ) {}

  /**
   * The token is stored nowhere, so that a repetition of the request, by its Idempotency-Key, cannot show it again: it makes no second
   * link and throws `conflict`.
   */
  async create({ id: conversation_id, expires_at: text = null }: CreateShare): Promise<CreatedShare> {
    const expires_at = text === null ? null : futureTime(text);
    await this.access.open(conversation_id, 'owner');
    const [id, token] = [v7(), randomBytes(32).toString('base64url')];
    const { user_id: created_by = null } = currentCaller();
    const row = { id, conversation_id, token_hash: sha256(token), created_by, expires_at };
    const share = await withTenant(this.db, (tx) => this.add(tx, row));
    if (share.id !== id) throw new ProblemError('conflict', `The link ${share.id} was made by this request before.`);
    return { ...share, url: `${this.config.appUrl}/v1/shared/${token}`, token };
  }

  async list(id: string): Promise<Shares> {
    await this.access.open(id, 'owner');
    return { data: await this.shares.list(id, limits.sharesOfConversation) };
  }

  async revoke(id: string): Promise<void> {
    const share = await this.shares.find(id);
    // Asked of nothing, too: what is not there takes as long to refuse as what is not the caller's.
    await this.access.open(share?.conversation_id ?? id, 'owner', 'link');
    const before = { ...found('link', share) };
    await withTenant(this.db, async (tx) => {
      if (!(await this.shares.revoke(tx, id))) throw notFound('link');
      await audit(tx, { action: 'conversation_share.revoked', target: targetOf(id), before });
    });
  }

  /** For whoever has the token, as chat itself. Throws `not_found` for one that shows nothing. */
  async read({ token, limit, cursor }: ReadShared): Promise<SharedConversation> {
    const after = idAfter(cursor);
    const { tenant_id, conversation_id } = found('link', await this.shares.resolve(sha256(token)));
    return runAs({ tenant_id, permissions: [], issuer: 'chat' }, async () => {
      const { title, created_at } = found('link', await this.conversations.findFor(null, conversation_id));
      const page = toFittingPage(await this.messages.page(conversation_id, after, limit + 1), limit);
      return { title, created_at, ...page, data: page.data.map(sharedMessageOf) };
    });
  }

  /** Where a stream begins for whoever has the token. Throws `not_found` for one that shows nothing. */
  async follow({ token, last_event_id: known }: FollowShared): Promise<SharedStart> {
    const { tenant_id, id: share_id, conversation_id } = found('link', await this.shares.resolve(sha256(token)));
    return runAs({ tenant_id, permissions: [], issuer: 'chat' }, async () => {
      const { expires_at } = found('link', await this.shares.find(share_id));
      found('link', await this.conversations.findFor(null, conversation_id));
      const last_event_id = await this.events.beginning(conversation_id, known);
      return { tenant_id, share_id, conversation_id, last_event_id, expires_at };
    });
  }

  private async add(tx: Tx, row: Parameters<ShareRepository['insert']>[1]): Promise<Share> {
    await this.conversations.lock(tx, row.conversation_id);
    const most = limits.sharesOfConversation;
    if ((await this.shares.list(row.conversation_id, most, tx)).length >= most)
      throw new ProblemError('conflict', `A conversation has at most ${most} links: revoke one first.`);
    const share = await this.shares.insert(tx, row);
    await audit(tx, { action: 'conversation_share.created', target: targetOf(share.id), after: { ...share } });
    return share;
  }
}

const targetOf = (id: string) => ({ type: 'conversation_share', id });

function futureTime(text: string): Date {
  const time = new Date(readTimestamp('expires_at', text));
  if (time.getTime() <= Date.now()) throw invalidField('expires_at', 'must be in the future');
  return time;
}
