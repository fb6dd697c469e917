import { events, KEY, refuse, replay, vendor } from './recorded.testing';
import { mintToolCallId } from './tool-call-id';
import type { ChatRequest } from './types';
import { vendors } from './vendors.testing';
import { ask, drain, type Exchanged } from './wire.testing';

jest.mock('./tool-call-id');

const limits = { timeout_ms: 10_000 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function on(kind: string, answer: (exchanged: Exchanged) => void) {
  const served = await vendor(kind, answer);
  closers.push(served.close);
  return served;
}

const tools: ChatRequest['tools'] = [
  {
    name: 'get_weather',
    description: 'Weather of a city',
    input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
  { name: 'get_time', input_schema: { type: 'object', properties: { zone: { type: 'string' } } } },
];

describe.each(vendors)('$kind', ({ kind, extension, ids, total, expected, ...paths }) => {
  it('streams a chat', async () => {
    const { provider, arrived } = await on(kind, replay(`${kind}/text.${extension}`));
    const seen = await events(provider.stream(ask('Why?'), limits));
    const pieces = seen.flatMap((event) => (event.type === 'text' ? [event.text] : []));
    expect(pieces.slice(0, 2)).toEqual(['The', ' sky']);
    expect(pieces.join('')).toBe('The sky is blue — 青い.');
    expect(seen.at(-1)).toEqual({ type: 'finish', stop_reason: 'stop', usage: expected.text });
    const { request } = await arrived;
    expect(`${request.method} ${request.url}`).toBe(`POST ${paths.chat_path}`);
    expect(request.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it('adds its usage up to what the provider reported', () => {
    expect(Object.values(expected.text).reduce((sum: number, tokens: number | null) => sum + (tokens ?? 0), 0)).toBe(
      total,
    );
  });

  it('streams parallel tool calls', async () => {
    jest.mocked(mintToolCallId).mockReturnValue('call_minted');
    const { provider, body } = await on(kind, replay(`${kind}/tools.${extension}`));
    const seen = await events(provider.stream({ ...ask('Weather and time?'), tools }, limits));
    const calls = ids.map((id, index) => ({ type: 'tool_call', index, id, name: tools[index]?.name }));
    expect(seen.filter((event) => event.type === 'tool_call')).toEqual(calls);
    const written = ['', ''];
    for (const event of seen) if (event.type === 'tool_arguments') written[event.index] += event.text;
    expect(written).toEqual(['{"city":"Paris"}', '{"zone":"Europe/Paris"}']);
    expect(seen.at(-1)).toEqual({ type: 'finish', stop_reason: 'tool_calls', usage: expected.tools });
    expect(await body()).toMatchObject({
      stream: true,
      tools: [
        {
          type: 'function',
          function: { name: 'get_weather', description: 'Weather of a city', parameters: tools[0]?.input_schema },
        },
        { type: 'function', function: { name: 'get_time', parameters: tools[1]?.input_schema } },
      ],
    });
  });

  it('lists models', async () => {
    const { provider, arrived } = await on(kind, replay(`${kind}/${paths.models}`));
    expect(await provider.models(limits)).toEqual(expected.models);
    expect((await arrived).request.url).toBe(paths.models_path);
  });

  it.each([
    ['bad_request', 400, 'invalid_request'],
    ['key', 401, 'auth'],
    ['model', 404, 'invalid_request'],
    ['rate', 429, 'rate_limited'],
    ['server', 500, 'unavailable'],
    ['overloaded', 503, 'overloaded'],
    ['context', 400, 'context_length'],
  ])('calls its refusal "%s" by the common name', async (name, status, code) => {
    const { provider, exchanges } = await on(kind, refuse(kind, name));
    const { error } = await drain(provider.stream(ask('x'), limits));
    expect(error).toMatchObject({ name: 'ProviderError', code, status });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(KEY);
    expect(exchanges).toHaveLength(1);
    await expect(provider.models(limits)).rejects.toMatchObject({ code, status });
  });

  it.each([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['milliseconds', { 'retry-after-ms': '250' }, 250],
    ['a date', { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, 0],
  ])('says how long to wait, told in %s', async (_unit, headers, retry_after_ms) => {
    const { provider } = await on(kind, refuse(kind, 'rate', headers));
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
      code: 'rate_limited',
      retry_after_ms,
    });
  });

  it('repeats what a refusal says, without the key', async () => {
    const echo = `no ${KEY}\n`;
    const { provider } = await on(kind, ({ response }) => {
      const error = kind === 'ollama' ? echo : { message: echo };
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    });
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({
      message: 'The provider refused the request: no [secret] ',
    });
  });
});
