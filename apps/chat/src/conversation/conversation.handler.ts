import {
  conversationContract,
  type ById,
  type CreateConversation,
  type ExportConversation,
  type ForkConversation,
  type ListConversations,
  type UpdateConversation,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { ConversationService } from './conversation.service';

@Handles(conversationContract)
export class ConversationHandler {
  constructor(private readonly conversations: ConversationService) {}

  create(input: CreateConversation) {
    return this.conversations.create(input);
  }

  list(input: ListConversations) {
    return this.conversations.list(input);
  }

  get({ id }: ById) {
    return this.conversations.get(id);
  }

  export({ id }: ExportConversation) {
    return this.conversations.get(id);
  }

  update(input: UpdateConversation) {
    return this.conversations.update(input);
  }

  fork(input: ForkConversation) {
    return this.conversations.fork(input);
  }

  remove({ id }: ById) {
    return this.conversations.remove(id);
  }
}
