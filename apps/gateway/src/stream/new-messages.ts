import { setTimeout as delay } from 'node:timers/promises';
import type { NewMessages } from '@taai/contracts';
import type { ConversationTail } from './conversation-tail';

const RETRY_MS = 1000;
/** Chat may be away for so many attempts. */
const MAX_FAILURES = 30;

/**
 * What is new in a conversation behind the message `after`, page by page until the signal: the next one is asked for when it is wanted and
 * there is word of it. Throws what chat fails with, when it keeps failing.
 */
export async function* newMessages(
  tail: ConversationTail,
  after: string,
  signal: AbortSignal,
): AsyncGenerator<NewMessages, void, undefined> {
  let last = after;
  let known = after;
  while (!signal.aborted) {
    const { words } = tail;
    const page = await ask(tail, last, signal);
    yield page;
    last = page.messages.at(-1)?.id ?? last;
    // Messages and runs are looked up one after the other: what came between them, the next question brings.
    const hasNewRuns = page.runs?.some((id) => id > known) ?? false;
    known = [known, last, ...(page.runs ?? [])].reduce((newest, id) => (id > newest ? id : newest));
    if (!page.has_more && !hasNewRuns) await tail.wait(words, known, signal);
  }
}

async function ask(tail: ConversationTail, after: string, signal: AbortSignal): Promise<NewMessages> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await tail.after(after);
    } catch (error) {
      if (failures === MAX_FAILURES || signal.aborted) throw error;
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
