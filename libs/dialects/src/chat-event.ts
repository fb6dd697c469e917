/** How the JSON of a text begins, as `JSON.stringify` writes the event. */
const TEXT = '{"type":"text","text":';

/**
 * The JSON of the text, if the event is one of text: most are, so they pass unread.
 *
 * @param event JSON of a `ChatEvent`
 */
export const textOf = (event: string): string | undefined =>
  event.startsWith(TEXT) ? event.slice(TEXT.length, -1) : undefined;
