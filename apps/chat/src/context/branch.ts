import { limits, type ChatMessage } from '@taai/contracts';

/** What its agent is shown of a conversation. */
export interface Window {
  /** How many messages, the new one included. */
  messages: number;
  /** Whether what falls out is summarized. */
  summarize: boolean;
}

/** A summary of what was said before the messages of a branch, as far as they are not among them. */
export interface Told {
  content: string;
  /** Messages of the branch that it does not tell of. */
  since: number;
}

/** The branch that leads to a message, as much of it as an agent is shown. */
export interface Branch {
  /** Id of the message that it leads to. */
  tip: string;
  /** Newest first. */
  messages: ChatMessage[];
  told: Told | null;
}

/** Messages that fall out are shown until they are summarized: twice as many as one summary takes, should one have failed. */
export const UNTOLD = 2 * limits.summarizedMessages;

/** How many messages of a branch an agent is shown: of what no summary tells, all, unless that takes too many. */
export const shownOf = ({ messages, summarize }: Window, told: Told | null): number =>
  summarize ? Math.min(messages + UNTOLD, Math.max(messages, told?.since ?? Infinity)) : messages;

/**
 * Whether the branch stays as it is for ever, because messages do: to a question that another one follows an answer may come that is shown
 * between them.
 */
export const isSettled = ({ messages }: Branch): boolean =>
  !messages.some(({ role }, n) => role === 'user' && messages[n + 1]?.role === 'user');

/** The branch that leads to a message which goes on from the tip of another one. */
export function extended({ messages, told }: Branch, window: Window, tip: string, message: ChatMessage): Branch {
  const since = told && { ...told, since: told.since + 1 };
  return { tip, messages: [message, ...messages].slice(0, shownOf(window, since)), told: since };
}

/** Whether so much of a branch is not told by its summary that a later one has been written, or will be soon: then the database is asked for it. */
export const mayBeToldAnew = (window: Window, { messages, told }: Branch): boolean =>
  window.summarize && (told?.since ?? messages.length) >= window.messages + limits.summarizedMessages;
