import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { createProvider } from './registry';
import type { CallOptions } from './types';
import { ask, chunk, drain, finish, sse, startWire, type Exchanged } from './wire.testing';

const patient = { timeout_ms: 10_000 };

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

/** An adapter on a server that misbehaves, and the first exchange that reaches it. */
async function wire(answer: (exchanged: Exchanged) => void) {
  const arrived = Promise.withResolvers<Exchanged>();
  const server = await startWire((exchanged) => {
    answer(exchanged);
    arrived.resolve(exchanged);
  });
  closers.push(server.close);
  const provider = createProvider('openai', { base_url: server.url, api_key: 'sk-test' });
  return {
    stream: (options: CallOptions = patient) => provider.stream(ask('x'), options),
    models: (options: CallOptions) => provider.models(options),
    arrived: arrived.promise,
  };
}

const socketClosed = ({ response }: Exchanged) => (response.closed ? Promise.resolve() : once(response, 'close'));

describe('a provider that hangs', () => {
  it.each([
    ['before it answers', () => undefined, ''],
    ['after its headers', ({ response }: Exchanged) => sse(response).flushHeaders(), ''],
    [
      'within an answer that is not a stream',
      ({ response }: Exchanged) => response.writeHead(200, { 'content-length': 9 }).write('x'),
      '',
    ],
    ['within an error', ({ response }: Exchanged) => response.writeHead(500, { 'content-length': 9 }).write('x'), ''],
    ['after a token', ({ response }: Exchanged) => sse(response).write(chunk('half')), 'half'],
    [
      'after its last word',
      ({ response }: Exchanged) => sse(response).write(chunk('all') + finish('stop').replace('data: [DONE]\n\n', '')),
      'all',
    ],
  ])('%s ends in a timeout, and its socket is closed', async (_when, answer, text) => {
    const { stream, arrived } = await wire(answer);
    expect(await drain(stream({ timeout_ms: 500 }))).toMatchObject({
      text,
      error: { code: 'timeout', message: 'The provider did not answer in time.' },
    });
    await socketClosed(await arrived);
  });

  it('after it named its role, but before its first token, ends at the time for that', async () => {
    const role = chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] });
    const { stream, arrived } = await wire(({ response }) => sse(response).write(role));
    expect(await drain(stream({ timeout_ms: 600_000, first_token_timeout_ms: 500 }))).toMatchObject({
      text: '',
      error: { code: 'timeout' },
    });
    await socketClosed(await arrived);
  });

  it('between tokens ends sooner than the whole call', async () => {
    const { stream, arrived } = await wire(({ response }) => sse(response).write(chunk('half')));
    const options = { timeout_ms: 600_000, idle_timeout_ms: 50 };
    expect(await drain(stream(options))).toMatchObject({ text: 'half', error: { code: 'timeout' } });
    await socketClosed(await arrived);
  });

  it('and sends comments to look alive is not taken for alive', async () => {
    const { stream, arrived } = await wire(({ response }) => {
      sse(response).write(chunk('half'));
      const comments = setInterval(() => response.write(': wait\n\n'), 10);
      response.on('close', () => clearInterval(comments));
    });
    expect(await drain(stream({ timeout_ms: 600_000, idle_timeout_ms: 100 }))).toMatchObject({
      text: 'half',
      error: { code: 'timeout' },
    });
    await socketClosed(await arrived);
  });

  it('with its list of models ends in a timeout', async () => {
    const { models, arrived } = await wire(() => undefined);
    await expect(models({ timeout_ms: 100 })).rejects.toMatchObject({ code: 'timeout' });
    await socketClosed(await arrived);
  });
});

describe('a provider that sends rubbish', () => {
  it.each([
    ['cut before the first token', ({ response }: Exchanged) => response.destroy(), ''],
    [
      'cut in mid-stream',
      ({ response }: Exchanged) => sse(response).write(chunk('half'), () => response.destroy()),
      'half',
    ],
    ['ended without a reason', ({ response }: Exchanged) => sse(response).end(chunk('half')), 'half'],
    [
      'done without a reason',
      ({ response }: Exchanged) => sse(response).end(`${chunk('half')}data: [DONE]\n\n`),
      'half',
    ],
    ['broken JSON', ({ response }: Exchanged) => sse(response).end(`${chunk('half')}data: {"choices":[\n\n`), 'half'],
    [
      'JSON that is no chunk',
      ({ response }: Exchanged) => sse(response).end('data: null\n\ndata: 1\n\ndata: []\n\ndata: {"choices":1}\n\n'),
      '',
    ],
    ['no content', ({ response }: Exchanged) => response.writeHead(204).end(), ''],
    ['an empty stream', ({ response }: Exchanged) => sse(response).end(), ''],
    [
      'HTML',
      ({ response }: Exchanged) => response.setHeader('content-type', 'text/html').end('<html>data: x\n\n</html>'),
      '',
    ],
    [
      'HTML that says it is a stream',
      ({ response }: Exchanged) => sse(response).end('<html>\n\n<p>data: none</p>\n\n</html>'),
      '',
    ],
    [
      'an answer that is not streamed',
      ({ response }: Exchanged) => response.setHeader('content-type', 'application/json').end('{"choices":[]}'),
      '',
    ],
    [
      'a status that is none',
      ({ request }: Exchanged) => request.socket.end('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'),
      '',
    ],
    ['no HTTP', ({ request }: Exchanged) => request.socket.end('SSH-2.0-OpenSSH\r\n'), ''],
  ])('%s: unavailable', async (_what, answer, text) => {
    const { stream } = await wire(answer);
    expect(await drain(stream())).toMatchObject({ text, error: { code: 'unavailable' } });
  });

  it.each([
    ['one endless line', 'x'.repeat(64 * 1024)],
    ['one endless event', `data: ${'x'.repeat(1000)}\n`.repeat(64)],
  ])('%s: given up at a bound', async (_what, piece) => {
    const { stream, arrived } = await wire(({ response }) => {
      const pump = (): void => void (response.destroyed || response.write(piece, pump));
      sse(response).write('data: ', pump);
    });
    expect(await drain(stream())).toMatchObject({ text: '', error: { code: 'unavailable' } });
    await socketClosed(await arrived);
  });
});

describe('the caller', () => {
  it('aborts in mid-stream, and the socket is closed', async () => {
    const { stream, arrived } = await wire(({ response }) => sse(response).write(chunk('half')));
    const controller = new AbortController();
    const events = stream({ ...patient, signal: controller.signal })[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { text: 'half' } });
    const next = events.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: 'aborted', message: 'The call was cancelled.' });
    await socketClosed(await arrived);
  });

  it('aborts while it is busy with a token, and the socket is closed at once', async () => {
    const { stream, arrived } = await wire(({ response }) => sse(response).write(chunk('half')));
    const controller = new AbortController();
    const events = stream({ ...patient, signal: controller.signal })[Symbol.asyncIterator]();
    await events.next();
    controller.abort();
    await socketClosed(await arrived);
    await expect(events.next()).rejects.toMatchObject({ code: 'aborted' });
  });

  it('aborts before an answer, and the socket is closed', async () => {
    const { stream, arrived } = await wire(() => undefined);
    const controller = new AbortController();
    const drained = drain(stream({ ...patient, signal: controller.signal }));
    const exchanged = await arrived;
    controller.abort('a reason that is no error');
    expect(await drained).toMatchObject({ text: '', error: { code: 'aborted' } });
    await socketClosed(exchanged);
  });

  it('has aborted already, and nothing is sent', async () => {
    let calls = 0;
    const { stream } = await wire(() => calls++);
    expect(await drain(stream({ ...patient, signal: AbortSignal.abort() }))).toMatchObject({
      error: { code: 'aborted' },
    });
    expect(calls).toBe(0);
  });

  it('leaves the loop, and the socket is closed', async () => {
    const { stream, arrived } = await wire(({ response }) => sse(response).write(chunk('half') + chunk('more')));
    for await (const event of stream()) {
      expect(event).toEqual({ type: 'text', text: 'half' });
      break;
    }
    await socketClosed(await arrived);
  });

  it('may take longer over a token than the provider may be silent', async () => {
    const { stream } = await wire(({ response }) => sse(response).end(chunk('a') + chunk('b') + finish('stop')));
    let text = '';
    for await (const event of stream({ timeout_ms: 10_000, idle_timeout_ms: 20 })) {
      for (const until = Date.now() + 40; Date.now() < until;) await turn();
      if (event.type === 'text') text += event.text;
    }
    expect(text).toBe('ab');
  });
});
