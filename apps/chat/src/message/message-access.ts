import { Injectable } from '@nestjs/common';
import { found, type Conversation, type ConversationRole, type Message } from '@taai/contracts';
import { ConversationAccess } from '../conversation/conversation-access';
import { MessageRepository } from './message.repository';

/** Messages are seen by who sees their conversation. */
@Injectable()
export class MessageAccess {
  constructor(
    private readonly conversations: ConversationAccess,
    private readonly messages: MessageRepository,
  ) {}

  /** The message and its conversation, if the caller may have that as `wanted`. Throws `not_found`, `forbidden`. */
  async open(id: string, wanted: ConversationRole): Promise<{ message: Message; conversation: Conversation }> {
    const message = await this.messages.find(id);
    // Asked of nothing, too: what is not there takes as long to refuse as what is not shared.
    const conversation = await this.conversations.open(message?.conversation_id ?? id, wanted, 'message');
    return { message: found('message', message), conversation };
  }
}
