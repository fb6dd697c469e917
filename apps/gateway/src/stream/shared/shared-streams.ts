import { Injectable } from '@nestjs/common';
import { notFound, sharedMessageOf, type SharedStart } from '@taai/contracts';
import { runAs } from '@taai/tenant';
import type { FastifyReply } from 'fastify';
import { GATEWAY, Principals } from '../../access/principals';
import { ConversationTails } from '../conversation-tails';
import { newMessages } from '../new-messages';
import { OpenStreams } from '../open-streams';
import { answerEvents, plainEvents, type ServerSentEvent, type StartingPoint } from '../sse';

/** A timer counts no further, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Answers with what a link shows of a conversation, as SSE: its messages, and nothing of the runs between them, in which there is more
 * than becomes an answer.
 */
@Injectable()
export class SharedStreams {
  constructor(
    private readonly tails: ConversationTails,
    private readonly principals: Principals,
    private readonly streams: OpenStreams,
  ) {}

  /** Goes on until the client leaves, or the link ends: `check` throws then, and is asked when something has changed. */
  stream(reply: FastifyReply, start: SharedStart, check: () => Promise<unknown>): Promise<void> {
    const ids = [start.tenant_id, start.conversation_id];
    const access = this.principals.watchSeen({ ids, check: () => runAs(GATEWAY, check) });
    const answer = async (left: AbortSignal) => {
      const expiry = expiryOf(start);
      const signal = AbortSignal.any([left, expiry.signal]);
      try {
        await answerEvents(reply, this.read(start, signal), plainEvents, signal);
      } finally {
        expiry.end();
      }
    };
    return this.streams.run(reply, answer, { isResumable: true, access });
  }

  private async *read(
    { tenant_id, conversation_id, last_event_id }: SharedStart,
    signal: AbortSignal,
  ): AsyncGenerator<ServerSentEvent | StartingPoint> {
    yield { id: last_event_id };
    const asGateway = { tenant_id, permissions: [], issuer: 'gateway' as const };
    const { tail, leave } = runAs(asGateway, () => this.tails.join(conversation_id));
    try {
      for await (const { messages } of newMessages(tail, last_event_id, signal))
        for (const message of messages) {
          if (signal.aborted) return;
          yield { id: message.id, type: 'message.created', data: sharedMessageOf(message) };
        }
    } finally {
      leave();
    }
  }
}

/** Aborts when the link expires; `end` forgets it. */
function expiryOf({ expires_at }: SharedStart): { signal: AbortSignal; end: () => void } {
  const control = new AbortController();
  const left = () => (expires_at === null ? Infinity : new Date(expires_at).getTime() - Date.now());
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    if (left() <= 0) control.abort(notFound('link'));
    else if (left() < Infinity) timer = setTimeout(look, Math.min(left(), LONGEST_TIMER_MS));
  };
  look();
  return { signal: control.signal, end: () => clearTimeout(timer) };
}
