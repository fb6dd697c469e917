import {
  messageContract,
  type ConversationRun,
  type PageById,
  type Regenerate,
  type SendMessage,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { MessageService } from './message.service';
import { ReplyService } from './reply.service';

@Handles(messageContract)
export class MessageHandler {
  constructor(
    private readonly messages: MessageService,
    private readonly replies: ReplyService,
  ) {}

  send(input: SendMessage) {
    return this.messages.send(input);
  }

  regenerate({ id }: Regenerate) {
    return this.messages.regenerate(id);
  }

  list(input: PageById) {
    return this.messages.list(input);
  }

  reply(run: ConversationRun) {
    return this.replies.settle(run);
  }

  async settle(run: ConversationRun) {
    await this.replies.settle(run);
  }
}
