import {
  conversationContract,
  type ById,
  type CreateConversation,
  type DeleteConversation,
  type ExportConversation,
  type ForkConversation,
  type ListConversations,
  type UpdateConversation,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { BinService } from './bin.service';
import { ConversationService } from './conversation.service';

@Handles(conversationContract)
export class ConversationHandler {
  constructor(
    private readonly conversations: ConversationService,
    private readonly bin: BinService,
  ) {}

  create(input: CreateConversation) {
    return this.conversations.create(input);
  }

  list(input: ListConversations) {
    return input.deleted === 'true' ? this.bin.list(input) : this.conversations.list(input);
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

  remove({ id, permanent }: DeleteConversation) {
    return this.bin.remove(id, { permanent: permanent === 'true' });
  }

  restore({ id }: ById) {
    return this.bin.restore(id);
  }
}
