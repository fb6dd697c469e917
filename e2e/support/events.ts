import type { Json } from './client';

export interface StreamEvent {
  id: number;
  type: string;
  data: Json;
}

/** The server-sent events of a response, as they arrive. */
export async function* readEvents(response: Response): AsyncGenerator<StreamEvent> {
  if (!response.ok || !response.body)
    throw new Error(`The stream answered ${response.status}: ${await response.text()}`);
  let buffer = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    buffer += chunk;
    const blocks = buffer.split('\n\n');
    buffer = blocks.pop() as string;
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block
          .split('\n')
          .filter((line) => line.includes(': ') && !line.startsWith(':'))
          .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      ) as Record<string, string>;
      if (fields['data'] !== undefined) {
        yield { id: Number(fields['id']), type: fields['event'] ?? 'message', data: JSON.parse(fields['data']) };
      }
    }
  }
}

/** All events of a response, to its end. */
export async function allEvents(response: Response): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}
