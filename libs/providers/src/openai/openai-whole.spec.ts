import { createProvider } from '../registry';
import { ask, startWire, type Exchanged } from '../wire.testing';
import type { ChatEvent } from '../types';

/** Asks for a whole answer from a server that answers as told; resolves to the events and what the server was sent. */
async function whole(answer: (exchanged: Exchanged) => void, signal?: AbortSignal) {
  const bodies: unknown[] = [];
  const wire = await startWire((exchanged) => {
    bodies.push(JSON.parse(exchanged.body));
    answer(exchanged);
  });
  const provider = createProvider('openai', { base_url: wire.url, api_key: 'sk-1' });
  const options = { timeout_ms: 2000, first_token_timeout_ms: 1, whole: true, ...(signal && { signal }) };
  try {
    return { events: await Array.fromAsync<ChatEvent>(provider.stream(ask('Hi'), options)), bodies };
  } catch (error) {
    return { error, bodies };
  } finally {
    await wire.close();
  }
}

const json =
  (reply: object) =>
  ({ response }: Exchanged) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));

const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };
const buckets = { input_tokens: 9, output_tokens: 4, cache_read_tokens: null, cache_write_tokens: null };

describe('a whole answer', () => {
  it('is asked for without a stream, and read like one', async () => {
    const message = { role: 'assistant', content: 'Hello' };
    const { events, bodies } = await whole(json({ choices: [{ message, finish_reason: 'stop' }], usage }));
    expect(bodies).toEqual([{ model: 'm', messages: [{ role: 'user', content: 'Hi' }] }]);
    const told = { ...buckets, reasoning_tokens: null };
    expect(events).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'usage', usage: told },
      { type: 'finish', stop_reason: 'stop', usage: told },
    ]);
  });

  it('brings its tool calls with all their arguments', async () => {
    const call = (id: string) => ({ id, type: 'function', function: { name: 'add', arguments: `{"n":"${id}"}` } });
    const message = { role: 'assistant', content: null, tool_calls: [call('a'), call('b')] };
    const { events } = await whole(json({ choices: [{ message, finish_reason: 'tool_calls' }] }));
    expect(events).toEqual([
      { type: 'tool_call', index: 0, id: 'a', name: 'add' },
      { type: 'tool_arguments', index: 0, text: '{"n":"a"}' },
      { type: 'tool_call', index: 1, id: 'b', name: 'add' },
      { type: 'tool_arguments', index: 1, text: '{"n":"b"}' },
      { type: 'finish', stop_reason: 'tool_calls', usage: null },
    ]);
  });

  it.each([
    ['a page of HTML', 'text/html', '<html></html>'],
    ['broken JSON', 'application/json', '{"choices":['],
    ['nothing of use', 'application/json', '{}'],
  ])('that is %s is none', async (_, type, text) => {
    const { error } = await whole(({ response }) => response.writeHead(200, { 'content-type': type }).end(text));
    expect(error).toMatchObject({ name: 'ProviderError', code: 'unavailable' });
  });

  it('is cancelled by the signal, which closes the socket', async () => {
    const aborter = new AbortController();
    const closed = Promise.withResolvers<void>();
    const { error } = await whole(({ response }) => {
      response.once('close', () => closed.resolve());
      aborter.abort();
    }, aborter.signal);
    expect(error).toMatchObject({ code: 'aborted' });
    await closed.promise;
  });
});
