import { Injectable } from '@nestjs/common';
import type { ConversationEvent, ConversationStart } from '@taai/contracts';
import { RunLogReader } from '@taai/platform';
import { currentCaller, runAs } from '@taai/tenant';
import { ConversationReading } from './conversation-reading';
import { ConversationTails } from './conversation-tails';
import { RunReplays } from './run-replays';

/** Everything that happens in conversations: their messages and the events of their runs as one stream. */
@Injectable()
export class ConversationFollower {
  constructor(
    private readonly tails: ConversationTails,
    private readonly log: RunLogReader,
    private readonly replays: RunReplays,
  ) {}

  /**
   * The events from `start` until the signal. Messages come in their order without gap or duplicate, and so do the events of each run; the
   * message that a run wrote comes after the run's events. What the reader does not take is not fetched. That the caller may see the
   * conversation must be checked before, and watched.
   *
   * @throws what chat or the orchestrator fails with, when it keeps failing.
   */
  follow(
    conversation_id: string,
    start: ConversationStart,
    signal: AbortSignal,
  ): AsyncIterableIterator<ConversationEvent, void, undefined> {
    const { tenant_id } = currentCaller();
    const { tail, leave } = this.tails.join(conversation_id);
    const asGateway = { tenant_id, permissions: [], issuer: 'gateway' as const };
    const readRun = (id: string, until: AbortSignal) =>
      this.log.read(id, { signal: until, rebuild: () => runAs(asGateway, () => this.replays.of(id)) });
    return new ConversationReading(tail, readRun, signal, leave).events(start);
  }
}
