import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProvider } from './registry';
import type { ChatEvent, ChatRequest, JsonObject } from './types';
import { sse, startWire, type Exchanged } from './wire.testing';

export const KEY = 'sk-canary-0123456789';
export const limits = { timeout_ms: 10_000 };

export const fixture = (name: string): Buffer => readFileSync(join(__dirname, 'fixtures', name));

/** Answers with a recorded stream, in pieces that end anywhere. */
export function replay({ response }: Exchanged, name: string): void {
  const bytes = fixture(name);
  sse(response);
  for (let at = 0; at < bytes.length; at += 61) response.write(bytes.subarray(at, at + 61));
  response.end();
}

export const answerJson = ({ response }: Exchanged, body: unknown, status = 200, headers = {}): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body));

/** Servers of one specification, and adapters that talk to them. */
export function wires(kind: string) {
  const closers: (() => Promise<unknown>)[] = [];
  return {
    closeAll: () => Promise.all(closers.splice(0).map((close) => close())),
    start: async (answer: (exchanged: Exchanged) => void) => {
      const seen: Exchanged[] = [];
      const server = await startWire((exchanged) => {
        seen.push(exchanged);
        answer(exchanged);
      });
      closers.push(server.close);
      const base_url = new URL(server.url).origin;
      return { provider: createProvider(kind, { base_url, api_key: KEY }), seen, base_url };
    },
  };
}

export async function all(events: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> {
  const list: ChatEvent[] = [];
  for await (const event of events) list.push(event);
  return list;
}

export const bodyOf = (seen: Exchanged[]): JsonObject => JSON.parse(seen[0]?.body ?? 'null') as JsonObject;

const weather = {
  name: 'get_weather',
  description: 'Tells the weather.',
  input_schema: {
    type: 'object',
    properties: { location: { type: 'string' } },
    required: ['location'],
    additionalProperties: false,
  },
};

/** Everything that a request may hold. */
export const fullRequest: ChatRequest = {
  model: 'm-5',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: 'one' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'two' },
        { type: 'image', url: 'data:image/PNG;base64,aGVsbG8=' },
        { type: 'file', filename: 'a.pdf', media_type: 'application/pdf', data: 'JVBERg==' },
      ],
    },
    {
      role: 'assistant',
      content: 'three',
      tool_calls: [
        { id: 'call_1', name: 'get_weather', arguments: '{"location":"Bern"}' },
        { id: 'call_2', name: 'get_weather', arguments: '{"location":' },
      ],
    },
    { role: 'tool', tool_call_id: 'call_1', name: 'get_weather', content: 'sunny' },
    { role: 'tool', tool_call_id: 'call_2', name: 'get_weather', content: '' },
    { role: 'user', content: 'four' },
  ],
  temperature: 1.5,
  top_p: 0.9,
  max_output_tokens: 99,
  stop: ['END'],
  seed: 7,
  frequency_penalty: 0.1,
  presence_penalty: 0.2,
  tools: [weather],
  user: 'user-1',
};
