import { once } from 'node:events';
import { Agent } from 'undici';
import { Exchange } from './exchange';
import { leanFetch } from './lean-fetch';
import { sse, startWire, type Exchanged } from '../wire.testing';

const closers: (() => Promise<unknown>)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function wire(answer: (exchanged: Exchanged) => void): Promise<string> {
  const server = await startWire(answer);
  closers.push(server.close);
  return server.url;
}

describe('leanFetch', () => {
  it('sends text and headers, and brings back status, headers and body', async () => {
    const url = await wire(({ request, response, body }) => {
      response.writeHead(
        201,
        [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
        ].flat(),
      );
      response.end(
        `${request.method} ${request.url} ${String(request.headers['x-test'])} ${request.headers['accept-encoding']} ${body}`,
      );
    });
    const response = await leanFetch()(`${url}/path?q=1`, {
      method: 'POST',
      headers: { 'x-test': 'yes' },
      body: 'ключ',
    });
    expect(response.status).toBe(201);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.text()).toBe('POST /v1/path?q=1 yes identity ключ');
  });

  it('does not follow redirects', async () => {
    const url = await wire(({ response }) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end());
    expect((await leanFetch()(url)).status).toBe(307);
  });

  it('sends text only', async () => {
    await expect(leanFetch()('http://127.0.0.1:1/', { method: 'POST', body: new FormData() })).rejects.toThrow(
      'Only text can be sent.',
    );
  });

  it('leaves by the dispatcher that it is given', async () => {
    const refusal = new Error('not there');
    const dispatcher = new Agent({ connect: (_target, done) => done(refusal, null) });
    await expect(leanFetch({ dispatcher })('http://anywhere.example/')).rejects.toBe(refusal);
  });

  it('reuses connections', async () => {
    const sockets = new Set<unknown>();
    const url = await wire(({ request, response }) => {
      sockets.add(request.socket);
      response.end('x');
    });
    const fetch = leanFetch();
    for (let call = 0; call < 10; call++) expect(await (await fetch(url)).text()).toBe('x');
    // Not 1: undici rests a socket for a turn of the event loop.
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  it('gives up waiting for a connection at once when aborted', async () => {
    const release = Promise.withResolvers<void>();
    const bodies: string[] = [];
    const url = await wire(({ response, body }) => {
      bodies.push(body);
      void release.promise.then(() => response.end('x'));
    });
    const fetch = leanFetch({ dispatcher: new Agent({ connections: 1 }) });
    const post = (body: string, signal?: AbortSignal) => fetch(url, { method: 'POST', body, signal });
    const controller = new AbortController();
    const first = post('first');
    const waiting = post('waiting', controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    release.resolve();
    expect((await first).status).toBe(200);
    expect((await post('last')).status).toBe(200);
    expect(bodies).toEqual(['first', 'last']);
  });

  it('refuses a reply that is too large', async () => {
    const url = await wire(({ response }) => response.end('x'.repeat(1001)));
    await expect(leanFetch({ max_held_bytes: 1000 })(url)).rejects.toThrow('more than 1000 bytes');
    expect(await (await leanFetch({ max_held_bytes: 1001 })(url)).text()).toHaveLength(1001);
  });

  it.each(['\n', '\r\n', '\r'])(
    'streams any number of events, however they are cut, with %j as line end',
    async (end) => {
      const event = `data: ${'x'.repeat(90)}${end}${end}`;
      const sent = event.repeat(50);
      const url = await wire(({ response }) => {
        sse(response);
        const cuts = [0, 96, 97, 98, 99, 100, 150, 197, 198, 199, 1000, sent.length];
        const next = (index: number): void => {
          if (index === cuts.length) response.end();
          else response.write(sent.slice(cuts[index - 1], cuts[index]), () => setImmediate(next, index + 1));
        };
        next(1);
      });
      const response = await leanFetch({ max_held_bytes: 250 })(url);
      expect(await response.text()).toBe(sent);
      await expect(leanFetch({ max_held_bytes: 60 })(url).then((small) => small.text())).rejects.toThrow(
        'more than 60 bytes',
      );
    },
  );

  it('streams any number of lines of JSON, each within the bound', async () => {
    const line = `{"x":"${'x'.repeat(90)}"}\n`;
    const sent = line.repeat(50) + line.slice(0, 80);
    const url = await wire(({ response }) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson; charset=utf-8' }).write(sent);
    });
    const response = await leanFetch({ max_held_bytes: 250 })(url);
    const first = await response.body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe(line.repeat(50));
    await expect(leanFetch({ max_held_bytes: 60 })(url).then((small) => small.text())).rejects.toThrow(
      'more than 60 bytes',
    );
  });

  it.each([': ', ': data: ', 'id: ', 'unknown: '])(
    'gives up on a stream of nothing but %j, which SDKs keep until an event has data',
    async (field) => {
      const silent = `${field}${'x'.repeat(50)}\n\n`;
      const event = 'data: 1\n\n';
      const url = await wire(({ request, response }) => {
        const piece = request.url?.endsWith('/told') ? silent + event : silent;
        const next = (count: number): void => {
          if (count === 20) response.end();
          else response.write(piece, () => setImmediate(next, count + 1));
        };
        sse(response);
        next(0);
      });
      const fetch = leanFetch({ max_held_bytes: 500 });
      await expect(fetch(`${url}/untold`).then((reply) => reply.text())).rejects.toThrow('more than 500 bytes');
      expect(await (await fetch(`${url}/told`)).text()).toBe((silent + event).repeat(20));
    },
  );

  it('hands over whole events alone, and what is left at the end', async () => {
    const url = await wire(({ response }) => {
      const parts = ['data: 1\n', '\nda', 'ta: ', '2\n\ndata: 3\n\n', 'rest'];
      const next = (index: number): void => {
        if (index === parts.length) response.end();
        else response.write(parts[index], () => setImmediate(next, index + 1));
      };
      sse(response);
      next(0);
    });
    const seen: string[] = [];
    for await (const part of (await leanFetch()(url)).body ?? []) seen.push(Buffer.from(part).toString());
    expect(seen.join('')).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\nrest');
    for (const part of seen.slice(0, -1)) expect(part).toMatch(/^data: .*\n\n$/s);
  });

  it('hands over what came before a cut, however late it is read', async () => {
    const cut = Promise.withResolvers<void>();
    const url = await wire(({ response }) => {
      const send = (count: number): void => {
        if (count < 6) response.write(`data: ${count}\n\n`, () => setImmediate(send, count + 1));
        else response.destroy();
      };
      response.once('close', () => cut.resolve());
      sse(response);
      send(1);
    });
    const response = await leanFetch()(url);
    await cut.promise;
    let seen = '';
    const read = async () => {
      for await (const part of response.body ?? []) seen += Buffer.from(part).toString();
    };
    await expect(read()).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    expect(seen.match(/\d/g)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('pauses the socket while nobody reads', async () => {
    const controller = {
      aborted: false,
      paused: false,
      reason: null,
      abort: jest.fn(),
      pause: jest.fn(),
      resume: jest.fn(),
    };
    const answered = Promise.withResolvers<Response>();
    const exchange = new Exchange({ limit: 1000, signal: undefined, ...answered });
    exchange.onResponseStart(controller, 200, { 'content-type': 'text/event-stream' });
    const response = await answered.promise;
    controller.resume.mockClear();
    for (let count = 0; count < 15; count++) exchange.onResponseData(controller, Buffer.from('data: x\n\n'));
    expect(controller.pause).not.toHaveBeenCalled();
    exchange.onResponseData(controller, Buffer.from('data: x\n\n'));
    expect(controller.pause).toHaveBeenCalled();
    expect(controller.resume).not.toHaveBeenCalled();
    await response.body?.getReader().read();
    expect(controller.resume).toHaveBeenCalled();
  });

  it('closes the socket when the reader leaves', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await wire(({ response }) => {
      sse(response).write('data: x\n\n');
      void once(response, 'close').then(() => closed.resolve());
    });
    const response = await leanFetch()(url);
    await response.body?.cancel();
    await closed.promise;
  });
});
