import type { ChatEvent, StopReason, Usage } from './types';

export interface ChatReply {
  text: string;
  stop_reason: StopReason;
  usage: Usage | null;
}

/** Reads a stream to its end, for callers who want the whole answer at once. */
export async function collect(events: AsyncIterable<ChatEvent>): Promise<ChatReply> {
  const reply: ChatReply = { text: '', stop_reason: 'other', usage: null };
  for await (const event of events) {
    if (event.type === 'text') reply.text += event.text;
    else Object.assign(reply, { stop_reason: event.stop_reason, usage: event.usage });
  }
  return reply;
}
