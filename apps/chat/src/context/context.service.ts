import { Injectable } from '@nestjs/common';
import { found, notFound, type ChatMessage, type Message } from '@taai/contracts';
import { extended, isSettled, mayBeToldAnew, type Branch, type Window } from './branch';
import { ContextCache } from './context-cache';
import { ContextRepository } from './context.repository';

/** What agents are shown of conversations. */
@Injectable()
export class ContextService {
  constructor(
    private readonly contexts: ContextRepository,
    private readonly cache: ContextCache,
  ) {}

  /** The branch that leads to the message, as much of it as the agent is shown. Throws `not_found`. */
  async of(message: Message): Promise<Branch> {
    const { conversation_id, id } = message;
    const window = found('conversation', await this.contexts.window(conversation_id));
    const known = await this.known(window, message);
    if (known) return known;
    const branch = await this.contexts.branch(conversation_id, id, window);
    if (branch.messages.length === 0) throw notFound('message');
    if (isSettled(branch)) await this.cache.keep(conversation_id, { window, branch });
    return branch;
  }

  /** A reply was written: what leads to it is kept, if what leads to its question is. */
  async follow(reply: Message): Promise<void> {
    const kept = await this.cache.find(reply.conversation_id);
    if (kept) await this.goOn(kept, reply);
  }

  private async known(window: Window, message: Message): Promise<Branch | undefined> {
    const kept = await this.cache.find(message.conversation_id);
    if (!kept || !areEqual(kept.window, window)) return undefined;
    if (kept.branch.tip === message.id) return kept.branch;
    return this.goOn(kept, message);
  }

  private async goOn(
    { window, branch }: { window: Window; branch: Branch },
    message: Message,
  ): Promise<Branch | undefined> {
    const { conversation_id, id, parent_message_id } = message;
    if (branch.tip !== parent_message_id) return undefined;
    const next = extended(branch, window, id, toSaid(message));
    if (!isSettled(next) || mayBeToldAnew(window, next)) return undefined;
    await this.cache.keep(conversation_id, { window, branch: next });
    return next;
  }
}

const areEqual = (one: Window, other: Window): boolean =>
  one.messages === other.messages && one.summarize === other.summarize;

/** As agents are shown it. */
const toSaid = ({ role, content, attachments, run_id }: Message): ChatMessage => ({
  role: role === 'assistant' ? role : 'user',
  content,
  attachments,
  run_id: role === 'assistant' ? run_id : null,
});
