import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { errors } from 'undici';
import { createProvider } from '../registry';
import type { CallOptions } from '../types';
import { KEY, wires } from '../anthropic-google.testing';
import { ask, chunk, drain, sse, startWire, type Exchanged } from '../wire.testing';

const patient = { timeout_ms: 10_000 };

const named = (event: { type: string }) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
const unnamed = (chunk: object) => `data: ${JSON.stringify(chunk)}\r\n\r\n`;

const choice = (delta: object, finish_reason: string | null = null) =>
  chunk({ choices: [{ index: 0, delta, finish_reason }] });

/** Those whose streams are server-sent events. */
const vendors = [
  {
    kind: 'openai',
    opening: choice({ role: 'assistant', content: '' }),
    piece: chunk,
    end: choice({}, 'stop'),
    refusal: { error: { type: 'invalid_request_error', message: `no ${KEY}` } },
  },
  {
    kind: 'anthropic',
    opening: named({ type: 'message_start', ...{ message: { usage: { input_tokens: 1, output_tokens: 1 } } } }),
    piece: (text: string) => named({ type: 'content_block_delta', ...{ delta: { type: 'text_delta', text } } }),
    end: named({ type: 'message_delta', ...{ delta: { stop_reason: 'end_turn' } } }),
    refusal: { type: 'error', error: { type: 'invalid_request_error', message: `no ${KEY}` } },
  },
  {
    kind: 'google',
    opening: ': hello\n\n',
    piece: (text: string) => unnamed({ candidates: [{ content: { role: 'model', parts: [{ text }] } }] }),
    end: unnamed({ candidates: [{ finishReason: 'STOP' }] }),
    refusal: { error: { code: 400, status: 'INVALID_ARGUMENT', message: `no ${KEY}` } },
  },
];

const socketClosed = ({ response }: Exchanged) => (response.closed ? Promise.resolve() : once(response, 'close'));

describe.each(vendors)('$kind', ({ kind, opening, piece, end, refusal }) => {
  const { start, closeAll } = wires(kind);
  afterEach(closeAll);

  /** An adapter on a server that misbehaves, and the first exchange that reaches it. */
  async function wire(answer: (exchanged: Exchanged) => void) {
    const arrived = Promise.withResolvers<Exchanged>();
    const { provider, seen } = await start((exchanged) => {
      answer(exchanged);
      arrived.resolve(exchanged);
    });
    return {
      stream: (options: CallOptions = patient) => provider.stream(ask('x'), options),
      models: (options: CallOptions) => provider.models(options),
      arrived: arrived.promise,
      seen,
    };
  }

  describe('that hangs', () => {
    it.each([
      ['before it answers', () => undefined],
      ['after its headers', ({ response }: Exchanged) => sse(response).flushHeaders()],
      [
        'within an answer that is not a stream',
        ({ response }: Exchanged) => response.writeHead(200, { 'content-length': 9 }).write('x'),
      ],
      ['within an error', ({ response }: Exchanged) => response.writeHead(500, { 'content-length': 9 }).write('x')],
    ])('%s ends in a timeout, and its socket is closed', async (_when, answer) => {
      const { stream, seen } = await wire(answer);
      expect(await drain(stream({ timeout_ms: 500 }))).toMatchObject({
        text: '',
        error: { code: 'timeout', message: 'The provider did not answer in time.' },
      });
      // On a busy machine the time may be over before a connection is made.
      await Promise.all(seen.map(socketClosed));
    });

    it('before its first token ends sooner than the whole call', async () => {
      const { stream, seen } = await wire(({ response }) => sse(response).write(opening));
      const options = { timeout_ms: 600_000, first_token_timeout_ms: 500 };
      expect(await drain(stream(options))).toMatchObject({ text: '', error: { code: 'timeout' } });
      await Promise.all(seen.map(socketClosed));
    });

    it('after its last word ends in a timeout', async () => {
      const { stream, arrived } = await wire(({ response }) => sse(response).write(piece('all') + end));
      const options = { timeout_ms: 600_000, idle_timeout_ms: 50 };
      expect(await drain(stream(options))).toMatchObject({ text: 'all', error: { code: 'timeout' } });
      await socketClosed(await arrived);
    });

    it('between tokens ends sooner than the whole call', async () => {
      const { stream, arrived } = await wire(({ response }) => sse(response).write(piece('half')));
      expect(await drain(stream({ timeout_ms: 600_000, idle_timeout_ms: 50 }))).toMatchObject({
        text: 'half',
        error: { code: 'timeout' },
      });
      await socketClosed(await arrived);
    });

    it('and sends comments and pings to look alive is not taken for alive', async () => {
      const { stream, arrived } = await wire(({ response }) => {
        sse(response).write(piece('half'));
        const signs = setInterval(() => response.write(': wait\n\nevent: ping\ndata: {"type":"ping"}\n\n'), 10);
        response.on('close', () => clearInterval(signs));
      });
      expect(await drain(stream({ timeout_ms: 600_000, idle_timeout_ms: 100 }))).toMatchObject({
        text: 'half',
        error: { code: 'timeout' },
      });
      await socketClosed(await arrived);
    });

    it('with its list of models ends in a timeout', async () => {
      const { models, seen } = await wire(() => undefined);
      await expect(models({ timeout_ms: 500 })).rejects.toMatchObject({ code: 'timeout' });
      await Promise.all(seen.map(socketClosed));
    });
  });

  describe('that sends rubbish', () => {
    it.each([
      ['cut before the first token', ({ response }: Exchanged) => response.destroy(), ''],
      [
        'cut in mid-stream',
        ({ response }: Exchanged) => sse(response).write(piece('half'), () => response.destroy()),
        'half',
      ],
      ['ended without a reason', ({ response }: Exchanged) => sse(response).end(piece('half')), 'half'],
      [
        'ended within an event',
        ({ response }: Exchanged) => sse(response).end(piece('half') + end.slice(0, -9)),
        'half',
      ],
      [
        'broken JSON',
        ({ response }: Exchanged) => sse(response).end(`${piece('half')}event: message_delta\ndata: {"type":[\n\n`),
        'half',
      ],
      [
        'JSON that is no chunk',
        ({ response }: Exchanged) =>
          sse(response).end(
            ['1', '[]', '{"type":"content_block_delta","candidates":1}', 'null']
              .map((data) => `event: content_block_delta\ndata: ${data}\n\n`)
              .join(''),
          ),
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
        ({ response }: Exchanged) => response.setHeader('content-type', 'application/json').end('{"content":[]}'),
        '',
      ],
      [
        'a redirection',
        ({ response }: Exchanged) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
        '',
      ],
      [
        'a status that is none',
        ({ request }: Exchanged) => request.socket.end('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'),
        '',
      ],
      ['no HTTP', ({ request }: Exchanged) => request.socket.end('SSH-2.0-OpenSSH\r\n'), ''],
    ])('%s: unavailable', async (_what, answer, text) => {
      const { stream, seen } = await wire(answer);
      expect(await drain(stream())).toMatchObject({ text, error: { code: 'unavailable' } });
      expect(seen).toHaveLength(1);
    });

    it.each([
      ['one endless line', 'x'.repeat(64 * 1024)],
      ['one endless event', `data: ${'x'.repeat(1000)}\n`.repeat(64)],
    ])('%s: given up at a bound', async (_what, rubbish) => {
      const { stream, arrived } = await wire(({ response }) => {
        const pump = (): void => void (response.destroyed || response.write(rubbish, pump));
        sse(response).write('data: ', pump);
      });
      expect(await drain(stream())).toMatchObject({ text: '', error: { code: 'unavailable' } });
      await socketClosed(await arrived);
    });

    it('without end is given up at a bound', async () => {
      const { stream, seen } = await wire(({ response }) => {
        const pump = (): void => void (response.destroyed || response.write('<p>\n\n'.repeat(10_000), pump));
        sse(response).flushHeaders();
        pump();
      });
      expect(await drain(stream())).toMatchObject({ text: '', error: { code: 'unavailable' } });
      await Promise.all(seen.map(socketClosed));
    });

    it.each([
      ['HTML', 'text/html', '<html>Welcome</html>'],
      ['no list', 'application/json', '{"data":{},"models":{}}'],
      ['broken JSON', 'application/json', '{"data":['],
      ['nothing', 'application/json', ''],
    ])('as its list of models fails: %s', async (_name, type, body) => {
      const { models } = await wire(({ response }) => response.setHeader('content-type', type).end(body));
      await expect(models(patient)).rejects.toMatchObject({ code: 'unavailable' });
    });
  });

  describe('whose caller', () => {
    it('aborts in mid-stream closes the socket', async () => {
      const { stream, arrived } = await wire(({ response }) => sse(response).write(piece('half')));
      const controller = new AbortController();
      const events = stream({ ...patient, signal: controller.signal })[Symbol.asyncIterator]();
      expect(await events.next()).toMatchObject({ value: { text: 'half' } });
      const next = events.next();
      controller.abort();
      await expect(next).rejects.toMatchObject({ code: 'aborted', message: 'The call was cancelled.' });
      await socketClosed(await arrived);
    });

    it('aborts while busy with a token closes the socket at once', async () => {
      const { stream, arrived } = await wire(({ response }) => sse(response).write(piece('half')));
      const controller = new AbortController();
      const events = stream({ ...patient, signal: controller.signal })[Symbol.asyncIterator]();
      await events.next();
      controller.abort();
      await socketClosed(await arrived);
      await expect(events.next()).rejects.toMatchObject({ code: 'aborted' });
    });

    it('aborts before an answer closes the socket', async () => {
      const { stream, arrived } = await wire(() => undefined);
      const controller = new AbortController();
      const drained = drain(stream({ ...patient, signal: controller.signal }));
      const exchanged = await arrived;
      controller.abort('a reason that is no error');
      expect(await drained).toMatchObject({ text: '', error: { code: 'aborted' } });
      await socketClosed(exchanged);
    });

    it('has aborted already sends nothing', async () => {
      const { stream, models, seen } = await wire(() => undefined);
      const options = { ...patient, signal: AbortSignal.abort() };
      expect(await drain(stream(options))).toMatchObject({ error: { code: 'aborted' } });
      await expect(models(options)).rejects.toMatchObject({ code: 'aborted' });
      expect(seen).toEqual([]);
    });

    it('leaves the loop closes the socket', async () => {
      const { stream, arrived } = await wire(({ response }) => sse(response).write(piece('half') + piece('more')));
      for await (const event of stream()) {
        expect(event).toEqual({ type: 'text', text: 'half' });
        break;
      }
      await socketClosed(await arrived);
    });

    it('may take longer over a token than the provider may be silent', async () => {
      const { stream } = await wire(({ response }) => sse(response).end(piece('a') + piece('b') + end));
      let text = '';
      for await (const event of stream({ timeout_ms: 10_000, idle_timeout_ms: 20 })) {
        for (const until = Date.now() + 40; Date.now() < until;) await turn();
        if (event.type === 'text') text += event.text;
      }
      expect(text).toBe('ab');
    });
  });

  describe('in errors', () => {
    it('never shows the key', async () => {
      const { stream } = await wire(({ response }) =>
        response
          .writeHead(400, { 'content-type': 'application/json', 'x-echo': KEY })
          .end(JSON.stringify({ ...refusal, code: 'outbound_refused', cause: { message: KEY }, key: KEY })),
      );
      const { error } = await drain(stream());
      expect(error).toMatchObject({ message: 'The provider refused the request: no [secret]' });
      const shown = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).stack);
      expect(shown).not.toContain(KEY);
      expect(error).not.toHaveProperty('cause');
    });

    it('says so when nobody listens', async () => {
      const server = await startWire(() => undefined);
      await server.close();
      const provider = createProvider(kind, { base_url: new URL(server.url).origin, api_key: KEY });
      expect((await drain(provider.stream(ask('x'), patient))).error).toMatchObject({
        code: 'unavailable',
        status: null,
      });
    });

    it('passes on why the house refused an address', async () => {
      const refused = Object.assign(new Error('The host is private.'), { code: 'outbound_refused' });
      const provider = createProvider(kind, { api_key: KEY, fetch: () => Promise.reject(refused) });
      const expected = { code: 'invalid_request', message: 'The host is private.' };
      expect((await drain(provider.stream(ask('x'), patient))).error).toMatchObject(expected);
      await expect(provider.models(patient)).rejects.toMatchObject(expected);
    });

    it('calls a connection that is not made in time a timeout', async () => {
      const timeout = new errors.ConnectTimeoutError('Connect Timeout Error');
      const provider = createProvider(kind, { api_key: KEY, fetch: () => Promise.reject(timeout) });
      expect((await drain(provider.stream(ask('x'), patient))).error).toMatchObject({ code: 'timeout' });
    });

    it.each(['', 'with space', 'line\nbreak', 'schlüssel'])('refuses the key %j without quoting it', (api_key) => {
      expect(() => createProvider(kind, { api_key })).toThrow(
        'The API key is empty or has characters that no key has.',
      );
    });
  });
});
