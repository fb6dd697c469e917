/** One event of a `text/event-stream`. */
export interface SseEvent {
  type: string;
  data: string;
  id?: string;
}

const longestEvent = 1_048_576;

function parseEvent(block: string): SseEvent | undefined {
  const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line));
  const valuesOf = (name: string) => fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ''] : []));
  const data = valuesOf('data');
  if (data.length === 0) return undefined;
  return { type: valuesOf('event').at(-1) ?? 'message', data: data.join('\n'), id: valuesOf('id').at(-1) };
}

/**
 * The events of a stream, however its bytes are cut; comments (keep-alives) and an unfinished last event are left out.
 * @throws Error when an event exceeds 1 MB.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    // A line end may itself be cut: a trailing \r waits for its \n.
    rest = (rest + decoder.decode(chunk, { stream: true })).replace(/\r\n/g, '\n');
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > longestEvent) throw new Error('An event of the stream is longer than 1 MB.');
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) yield event;
    }
  }
}
