import { once } from 'node:events';
import { ProblemError, type FilePlace, type ReceivedFile } from '@taai/contracts';
import { pdf, png, temporaryStore } from '@taai/files-testing';
import { until } from '@taai/platform-testing';
import { NIL } from 'uuid';
import { bearer, startEdge, type TestEdge } from '../http/http.testing';

const ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';
const LIMIT = 300_000;

/** Chat, as far as the gateway sees it. */
const calls: { created: number; finished: ReceivedFile[]; discarded: string[] } = {
  created: 0,
  finished: [],
  discarded: [],
};
let refusal: ProblemError | undefined;
let place: FilePlace;

const methods = {
  create: async () => ({ id: ID, n: (calls.created += 1) }),
  finish: async (received: ReceivedFile) => {
    if (refusal) throw refusal;
    calls.finished.push(received);
    return { id: received.id };
  },
  discard: async ({ id }: { id: string }) => void calls.discarded.push(id),
  content: async () => place,
  linked: async () => ({ ...place, tenant_id: NIL }),
};

let kept: Awaited<ReturnType<typeof temporaryStore>>;
let edge: TestEdge;

beforeAll(async () => {
  kept = await temporaryStore();
  edge = await startEdge({ fileLimitBytes: LIMIT }, { methods, store: kept.store });
});
afterAll(async () => {
  await edge.close();
  await kept.drop();
});
beforeEach(async () => {
  refusal = undefined;
  Object.assign(calls, { created: 0, finished: [], discarded: [] });
  await kept.store.remove(NIL);
});

const form = (fields: Record<string, string | File>): FormData => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
};

const fileOf = (bytes: Buffer, name: string, type: string) => new File([Uint8Array.from(bytes)], name, { type });

const post = (body: FormData | string, headers: Record<string, string> = {}) =>
  edge.fetch('/v1/files', { method: 'POST', body, headers: { ...bearer, ...headers } });

const codeOf = ({ status, text }: { status: number; text: string }) => [
  status,
  (JSON.parse(text) as { code?: string }).code,
];

describe('an upload', () => {
  it('goes to the store, and is told to chat with its type, length and hash', async () => {
    const file = fileOf(png(3, 2), 'bücher 1.png', 'application/octet-stream');
    const answer = await post(form({ file, purpose: 'vision' }));
    expect([answer.status, JSON.parse(answer.text)]).toEqual([201, { id: ID }]);
    expect(calls.finished).toEqual([
      {
        id: ID,
        filename: 'bücher 1.png',
        purpose: 'vision',
        content_type: 'image/png',
        bytes: png(3, 2).length,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        stored_as: expect.any(String),
      },
    ]);
    expect(await kept.kept()).toEqual([expect.stringContaining(`${NIL}/${ID}/${calls.finished[0]?.stored_as}`)]);
  });

  it('may be as long as files may be, and is for whatever it is for', async () => {
    const answer = await post(form({ file: fileOf(Buffer.alloc(LIMIT, 'x'), 'long.txt', 'text/plain') }));
    expect(answer.status).toBe(201);
    expect(calls.finished).toMatchObject([{ bytes: LIMIT, purpose: 'user_data' }]);
  });

  it.each<[string, number, string, () => FormData]>([
    ['without a file', 400, 'validation_failed', () => form({ purpose: 'vision' })],
    ['of a file under another name', 400, 'validation_failed', () => form({ image: fileOf(pdf, 'a.pdf', '') })],
    [
      'of two files',
      400,
      'validation_failed',
      () => {
        const data = form({ file: fileOf(pdf, 'a.pdf', '') });
        data.append('file', fileOf(pdf, 'b.pdf', ''));
        return data;
      },
    ],
    ['for an unknown purpose', 400, 'validation_failed', () => form({ file: fileOf(pdf, 'a.pdf', ''), purpose: 'x' })],
    ['with an unknown field', 400, 'validation_failed', () => form({ file: fileOf(pdf, 'a.pdf', ''), id: ID })],
    [
      'with a long field',
      400,
      'validation_failed',
      () => form({ purpose: 'x'.repeat(2000), file: fileOf(pdf, 'a', '') }),
    ],
    [
      'with a thousand fields',
      400,
      'validation_failed',
      () => form(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`f${n}`, 'x']))),
    ],
    ['of a long name', 400, 'validation_failed', () => form({ file: fileOf(pdf, 'x'.repeat(256), '') })],
    ['of nothing', 400, 'validation_failed', () => form({ file: fileOf(Buffer.alloc(0), 'a.txt', '') })],
    [
      'of an executable that is called a PDF',
      415,
      'unsupported_media_type',
      () => form({ file: fileOf(Buffer.from('MZ\x90\0\x03', 'latin1'), 'invoice.pdf', 'application/pdf') }),
    ],
    [
      'of an image of gigabytes',
      400,
      'validation_failed',
      () => form({ file: fileOf(png(23_000, 23_000), 'a.png', '') }),
    ],
    [
      'of a file that is a byte too long',
      413,
      'payload_too_large',
      () => form({ file: fileOf(Buffer.alloc(LIMIT + 1, 'x'), 'long.txt', '') }),
    ],
    [
      'that says by its length that it is too long',
      413,
      'payload_too_large',
      () => form({ file: fileOf(Buffer.alloc(5_000_000, 'x'), 'long.txt', '') }),
    ],
  ])('%s is refused, and leaves nothing', async (_, status, code, make) => {
    expect(codeOf(await post(make()))).toEqual([status, code]);
    expect(await kept.kept()).toEqual([]);
    expect(calls.finished).toEqual([]);
    expect(calls.discarded).toHaveLength(calls.created);
  });

  it.each([
    ['JSON', '{"purpose":"vision"}', { 'content-type': 'application/json' }, [415, 'unsupported_media_type']],
    [
      'a form of another kind',
      'a=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      [415, 'unsupported_media_type'],
    ],
    ['a form without boundary', '--x', { 'content-type': 'multipart/form-data' }, [415, 'unsupported_media_type']],
    [
      'a form with an empty boundary',
      '--x',
      { 'content-type': 'multipart/form-data; a=b' },
      [400, 'malformed_request'],
    ],
    [
      'a form that is cut off',
      '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
      { 'content-type': 'multipart/form-data; boundary=x' },
      [400, 'malformed_request'],
    ],
    [
      'a part without a name',
      '--x\r\ncontent-disposition: form-data; filename="a"\r\n\r\nabc\r\n--x--\r\n',
      { 'content-type': 'multipart/form-data; boundary=x' },
      [400, 'validation_failed'],
    ],
    [
      'a packed form',
      'x',
      { 'content-type': 'multipart/form-data; boundary=x', 'content-encoding': 'gzip' },
      [415, 'unsupported_media_type'],
    ],
  ])('that is %s is refused', async (_, body, headers, expected) => {
    expect(codeOf(await post(body, headers))).toEqual(expected);
    expect(await kept.kept()).toEqual([]);
  });

  it('is nothing for routes that take JSON', async () => {
    const answer = await edge.fetch('/v1/tasks', { method: 'POST', body: form({ title: 'x' }), headers: bearer });
    expect(codeOf(answer)).toEqual([415, 'unsupported_media_type']);
  });

  it('keeps its row for who has an Idempotency-Key: they may come again', async () => {
    const bad = form({ file: fileOf(Buffer.from([0]), 'a', '') });
    expect((await post(bad, { 'idempotency-key': 'once' })).status).toBe(415);
    expect([calls.created, calls.discarded, await kept.kept()]).toEqual([1, [], []]);
  });

  it('that chat refuses is left to chat, which knows whether the bytes are needed', async () => {
    refusal = new ProblemError('storage_full');
    expect(codeOf(await post(form({ file: fileOf(pdf, 'a.pdf', '') })))).toEqual([413, 'storage_full']);
    expect([await kept.kept(), calls.discarded]).toEqual([[expect.any(String)], []]);
  });

  it('whose client leaves in the middle leaves nothing', async () => {
    const socket = edge.connect();
    const head = `POST /v1/files HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${bearer.authorization}\r\n`;
    const type = 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 200000\r\n\r\n';
    const part = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';
    socket.write(head + type + part + 'x'.repeat(100_000));
    await until(async () => (await kept.kept()).length === 1);
    socket.destroy();
    await once(socket, 'close');
    await until(async () => (await kept.kept()).length === 0 && calls.discarded.length === 1);
    expect(calls.finished).toEqual([]);
  });
});

describe('a slow upload', () => {
  const timeouts = {
    headersTimeout: 50,
    requestTimeout: 150,
    bodyBytesPerSecond: 1000,
    connectionsCheckingInterval: 20,
  };
  const head = (length: number) =>
    `POST /v1/files HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nAuthorization: ${bearer.authorization}\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: ${length}\r\n\r\n`;
  const part = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';
  const last = '\r\n--x--\r\n';
  let slow: TestEdge;

  beforeEach(async () => {
    slow = await startEdge({}, { methods, store: kept.store, timeouts });
  });
  afterEach(() => slow.close());

  /** Sends a piece each 20 ms until all is sent or answered; resolves to the answer, and to how long it took, in milliseconds. */
  async function dribble(pieces: string[], length: number) {
    const socket = slow.connect();
    socket.on('error', () => undefined);
    const began = performance.now();
    socket.write(head(length));
    const sending = setInterval(() => {
      const next = pieces.shift();
      if (next !== undefined && socket.writable) socket.write(next);
    }, 20);
    const text = (await Array.fromAsync(socket)).join('');
    clearInterval(sending);
    return { text, ms: performance.now() - began };
  }

  it('that keeps its pace may take longer than who sends nothing', async () => {
    const pieces = [part, ...Array.from({ length: 20 }, () => 'x'.repeat(1000)), last];
    const { text, ms } = await dribble(pieces, part.length + 20_000 + last.length);
    expect(text).toMatch(/^HTTP\/1.1 201 /);
    expect(ms).toBeGreaterThan(timeouts.requestTimeout);
  });

  it('that comes byte by byte is ended, as is one that stops', async () => {
    for (const pieces of [[part, ...Array.from({ length: 1000 }, () => 'x')], [part]]) {
      const { text } = await dribble(pieces, 20_000);
      expect(text).toMatch(/^HTTP\/1.1 408 [^]*request_timeout/);
      await until(async () => (await kept.kept()).length === 0);
    }
  });

  it('that has been answered before it was there is not answered a second time', async () => {
    const socket = slow.connect();
    socket.write(head(500).replace(bearer.authorization, 'Bearer bad').replace('Connection: close\r\n', ''));
    const text = (await Array.fromAsync(socket)).join('');
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401']);
  });
});

describe('a download', () => {
  const stored = async (bytes: Buffer, filename: string, content_type: string) => {
    place = { file_id: ID, stored_as: NIL, filename, content_type, bytes: bytes.length };
    async function* all() {
      yield bytes;
    }
    await kept.store.write(`${NIL}/${ID}/${NIL}`, all(), new AbortController().signal);
  };

  it('is an attachment of the type that was found, whatever its name', async () => {
    await stored(pdf, 'Rechnung "1" (ü).html\r\nx: y', 'application/pdf');
    const answer = await edge.fetch(`/v1/files/${ID}/content`, { headers: bearer });
    expect([answer.status, answer.text.slice(0, 8)]).toEqual([200, '%PDF-1.7']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/pdf',
      'content-length': String(pdf.length),
      'content-disposition': `attachment; filename="Rechnung _1_ (_).html__x: y"; filename*=UTF-8''Rechnung%20%221%22%20%28%C3%BC%29.html%0D%0Ax%3A%20y`,
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
    });
  });

  it('by an address needs no login, and is an attachment all the same', async () => {
    await stored(pdf, 'a.pdf', 'application/pdf');
    const answer = await edge.fetch(`/v1/file-links/${'x'.repeat(94)}`);
    expect([answer.status, answer.text.slice(0, 8)]).toEqual([200, '%PDF-1.7']);
    expect(answer.headers.get('content-disposition')).toContain('attachment');
    expect(codeOf(await edge.fetch('/v1/file-links/no%20token'))).toEqual([400, 'validation_failed']);
  });

  it('of bytes that are gone is not found', async () => {
    await stored(pdf, 'a.pdf', 'application/pdf');
    await kept.store.remove(NIL);
    expect(codeOf(await edge.fetch(`/v1/files/${ID}/content`, { headers: bearer }))).toEqual([404, 'not_found']);
  });

  it('comes whole, however long it is', async () => {
    const bytes = Buffer.alloc(2_000_000, 'abcdefg');
    await stored(bytes, 'a.txt', 'text/plain; charset=utf-8');
    expect((await edge.fetch(`/v1/files/${ID}/content`, { headers: bearer })).text.length).toBe(bytes.length);
  });
});
