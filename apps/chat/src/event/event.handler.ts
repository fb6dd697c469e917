import {
  conversationEventContract,
  type MessagesAfter,
  type NewestOf,
  type ReadConversationEvents,
} from '@taai/contracts';
import { Handles } from '@taai/platform';
import { EventService } from './event.service';

@Handles(conversationEventContract)
export class EventHandler {
  constructor(private readonly events: EventService) {}

  read(input: ReadConversationEvents) {
    return this.events.start(input);
  }

  after(input: MessagesAfter) {
    return this.events.after(input);
  }

  newest(input: NewestOf) {
    return this.events.newest(input);
  }
}
