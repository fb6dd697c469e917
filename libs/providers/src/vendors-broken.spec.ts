import { createProvider } from './registry';
import { events, KEY, recorded, socketClosed, TYPES, vendor } from './recorded.testing';
import { vendors } from './vendors.testing';
import { ask, drain, type Exchanged } from './wire.testing';

const limits = { timeout_ms: 10_000 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function on(kind: string, answer: (exchanged: Exchanged) => void) {
  const served = await vendor(kind, answer);
  closers.push(served.close);
  return served;
}

describe.each(vendors)('$kind', ({ kind, extension }) => {
  const type = TYPES[extension];
  const text = `${kind}/text.${extension}`;
  /** Sends the stream as far as its first text. */
  const begin = ({ response }: Exchanged) => {
    const before = recorded(text).split(' sky')[0] ?? '';
    response.writeHead(200, { 'content-type': type }).write(before.slice(0, before.lastIndexOf('\n') + 1));
  };

  it.each([
    ['before its headers', () => undefined],
    [
      'before its first token',
      ({ response }: Exchanged) => response.writeHead(200, { 'content-type': type }).flushHeaders(),
    ],
  ])('gives up on one that hangs %s', async (_when, answer) => {
    const { provider, exchanges } = await on(kind, answer);
    const hang = provider.stream(ask('x'), { timeout_ms: 600_000, first_token_timeout_ms: 500 });
    expect(await drain(hang)).toMatchObject({ text: '', error: { code: 'timeout' } });
    // On a busy machine the time may be over before a connection is made.
    await Promise.all(exchanges.map(socketClosed));
  });

  it('gives up on one that falls silent after its first token', async () => {
    const { provider, arrived } = await on(kind, begin);
    const silent = provider.stream(ask('x'), { timeout_ms: 600_000, idle_timeout_ms: 50 });
    expect(await drain(silent)).toMatchObject({ text: 'The', error: { code: 'timeout' } });
    await socketClosed(await arrived);
  });

  it.each([
    ['cut', ({ response }: Exchanged) => response.write('', () => response.destroy())],
    ['ended early', ({ response }: Exchanged) => response.end()],
    ['broken', ({ response }: Exchanged) => response.end(extension === 'sse' ? 'data: {"x\n\n' : '{"x\n')],
  ])('tells a stream that is %s, after what came before', async (_how, goOn) => {
    const { provider } = await on(kind, (exchanged) => {
      begin(exchanged);
      goOn(exchanged);
    });
    expect(await drain(provider.stream(ask('x'), limits))).toMatchObject({
      text: 'The',
      error: { name: 'ProviderError', code: 'unavailable', status: null },
    });
  });

  it.each([
    ['HTML', 'text/html', '<!doctype html>\n<html>\n<body>Welcome</body>\n</html>\n'],
    ['HTML that says it is a stream', type, '<html>\n\n</html>\n'],
    ['JSON of another kind', 'application/json', '{"hello":"world"}'],
    ['no object', 'application/json', 'null\n1\n[]\n'],
    ['nothing', 'application/json', ''],
  ])('takes %s for no answer', async (_what, content_type, reply) => {
    const printed = [jest.spyOn(console, 'warn'), jest.spyOn(console, 'log'), jest.spyOn(console, 'error')];
    const { provider } = await on(kind, ({ response }) => response.setHeader('content-type', content_type).end(reply));
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({ code: 'unavailable' });
    await expect(provider.models(limits)).rejects.toMatchObject({ code: 'unavailable' });
    for (const print of printed) expect(print).not.toHaveBeenCalled();
  });

  it('gives up on a line without end, at a bound', async () => {
    const { provider, arrived } = await on(kind, ({ response }) => {
      const pump = (): void => void (response.destroyed || response.write('x'.repeat(64 * 1024), pump));
      response.writeHead(200, { 'content-type': type });
      response.write(extension === 'sse' ? 'data: ' : '{"', pump);
    });
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject({ code: 'unavailable' });
    await socketClosed(await arrived);
  });

  it('closes its socket when it is aborted, and no other', async () => {
    const { provider, exchanges } = await on(kind, begin);
    const controllers = [new AbortController(), new AbortController()];
    const streams = controllers.map(({ signal }) =>
      provider.stream(ask('x'), { ...limits, signal })[Symbol.asyncIterator](),
    );
    for (const stream of streams) expect(await stream.next()).toMatchObject({ value: { text: 'The' } });
    const [first, second] = exchanges;
    if (!first || !second) throw new Error('Two calls were made.');
    const next = streams[0]?.next();
    controllers[0]?.abort();
    await expect(next).rejects.toMatchObject({ code: 'aborted' });
    await socketClosed(first);
    expect(second.response.closed).toBe(false);
    await streams[1]?.return?.();
    await socketClosed(second);
  });

  it('closes its socket when the list of models is no longer wanted', async () => {
    const { provider, arrived } = await on(kind, () => undefined);
    const controller = new AbortController();
    const models = provider.models({ ...limits, signal: controller.signal });
    const exchanged = await arrived;
    controller.abort();
    await expect(models).rejects.toMatchObject({ code: 'aborted' });
    await socketClosed(exchanged);
  });

  it('passes on why the house refused an address', async () => {
    const words = Object.assign(new Error('The host is private.'), { code: 'outbound_refused' });
    const provider = createProvider(kind, { api_key: KEY, fetch: () => Promise.reject(words) });
    const refused = { code: 'invalid_request', message: 'The host is private.' };
    expect((await drain(provider.stream(ask('x'), limits))).error).toMatchObject(refused);
    await expect(provider.models(limits)).rejects.toMatchObject(refused);
  });
});

// Groq's SDK reads on to the end of the reply.
describe.each(vendors.filter(({ kind }) => kind !== 'groq'))('$kind, after its last word', ({ kind, extension }) => {
  const begin = ({ response }: Exchanged) =>
    response.writeHead(200, { 'content-type': TYPES[extension] }).write(recorded(`${kind}/text.${extension}`));

  it('uses its connection again, though the end of a stream comes late', async () => {
    const { provider, exchanges } = await on(kind, begin);
    for (let call = 0; call < 6; call++) {
      await events(provider.stream(ask('x'), limits));
      const last = exchanges.at(-1);
      if (!last) throw new Error('A call was made.');
      last.response.end();
      await socketClosed(last);
    }
    // Not 1: undici rests a socket for a turn of the event loop.
    expect(new Set(exchanges.map(({ request }) => request.socket)).size).toBeLessThanOrEqual(2);
  });

  it('closes its connection when the end of a stream never comes', async () => {
    const { provider, arrived } = await on(kind, begin);
    await events(provider.stream(ask('x'), limits));
    await socketClosed(await arrived);
  });
});
