import { readEvents, type SseEvent } from './sse.ts';

async function parse(...chunks: readonly (string | Uint8Array)[]): Promise<SseEvent[]> {
  const encoder = new TextEncoder();
  async function* body() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? encoder.encode(chunk) : chunk;
  }
  const events: SseEvent[] = [];
  for await (const event of readEvents(body())) events.push(event);
  return events;
}

const transcript = 'id: 1\nevent: token\ndata: {"text":"Grüße"}\n\n: keep-alive\n\nid: 2\nevent: usage\ndata: {}\n\n';
const expected = [
  { id: '1', type: 'token', data: '{"text":"Grüße"}' },
  { id: '2', type: 'usage', data: '{}' },
];

it('reads events and skips keep-alives', async () => {
  expect(await parse(transcript)).toEqual(expected);
});

it.each(['\n', '\r\n'])('reads them however the bytes are cut, with line end %j', async (lineEnd) => {
  const bytes = new TextEncoder().encode(transcript.replaceAll('\n', lineEnd));
  for (let size = 1; size < bytes.length; size += 1) {
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    expect(await parse(...chunks)).toEqual(expected);
  }
});

it('joins data lines, and takes "message" for an event without a type', async () => {
  expect(await parse('data: a\ndata:b\n\n')).toEqual([{ id: undefined, type: 'message', data: 'a\nb' }]);
});

it('leaves out an event that was cut off', async () => {
  expect(await parse('data: a\n\ndata: b\n')).toEqual([{ id: undefined, type: 'message', data: 'a' }]);
});

it('does not collect an endless event', async () => {
  const line = `data: ${'x'.repeat(100_000)}\n`;
  await expect(parse(...Array.from({ length: 11 }, () => line))).rejects.toThrow('longer than 1 MB');
});
