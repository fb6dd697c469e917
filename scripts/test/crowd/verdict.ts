/** A time in which somebody may see a conversation. */
export interface Window {
  from: number;
  to: number;
}

/** What a device was told; and `asked`, where it asked to be let into the conversation. */
export interface Told {
  at: number;
  type: string;
  conversation: string;
}

/**
 * What was told to who may not see it, in words: outside of its windows, each of which ends `grace` milliseconds late at most, or behind
 * the word that nothing more comes.
 */
export function trespasses(
  log: readonly Told[],
  windowsOf: (conversation: string) => readonly Window[],
  grace: number,
): string[] {
  const left = new Set<string>();
  const found: string[] = [];
  for (const { at, type, conversation } of log) {
    const isSeen = windowsOf(conversation).some(({ from, to }) => at >= from && at <= to + grace);
    if (type === 'asked') left.delete(conversation);
    // Said again to who was cut off: they may have missed it.
    else if (type === 'conversation.left' && left.has(conversation)) continue;
    else if (left.has(conversation)) found.push(`${type} of ${conversation} behind the last word`);
    else if (!isSeen) found.push(`${type} of ${conversation}, which may not be seen`);
    if (type === 'conversation.left') left.add(conversation);
  }
  return found;
}

/** The first of each name, in their order. */
export function distinct<T>(items: readonly T[], nameOf: (item: T) => unknown): T[] {
  const known = new Set<unknown>();
  return items.filter((item) => !known.has(nameOf(item)) && known.add(nameOf(item)));
}
