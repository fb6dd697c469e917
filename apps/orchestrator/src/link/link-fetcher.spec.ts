import type { IncomingMessage, ServerResponse } from 'node:http';
import { limits } from '@taai/contracts';
import { pdf, png, temporaryStore } from '@taai/files-testing';
import { startHttpsServer, until, type HttpsServer } from '@taai/platform-testing';
import { runAs } from '@taai/tenant';
import { v7 } from 'uuid';
import { LinkFetcher, type LinkFetcherOptions } from './link-fetcher';

const LOOPBACK = ['127.0.0.0/8'];
const caller = { tenant_id: v7(), permissions: [], issuer: 'gateway' as const };
const ever = new AbortController().signal;

let kept: Awaited<ReturnType<typeof temporaryStore>>;
let server: HttpsServer;
let answer: (response: ServerResponse, request: IncomingMessage) => void;
let asked: string[];

beforeAll(async () => {
  kept = await temporaryStore();
  server = await startHttpsServer((request, response) => {
    asked.push(request.url ?? '');
    answer(response, request);
  });
});
afterAll(async () => {
  await server.close();
  await kept.drop();
});
beforeEach(async () => {
  asked = [];
  await kept.store.remove(caller.tenant_id);
});

const sends =
  (bytes: Buffer, head: Record<string, string> = {}, status = 200) =>
  (response: ServerResponse) =>
    response.writeHead(status, head).end(bytes);

/** Of one byte after the other, until the client leaves. */
const dribbles = (response: ServerResponse) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  const timer = setInterval(() => response.write('x'), 5);
  response.once('close', () => clearInterval(timer));
};

function fetchFrom(
  url: string,
  { most = limits.fileBytes, signal = ever, ...options }: Partial<LinkFetcherOptions> & Fetching = {},
) {
  const links = new LinkFetcher(kept.store, { allow: LOOPBACK, ...options });
  return runAs(caller, () => links.fetch({ url, file_id: v7(), most }, signal));
}

interface Fetching {
  most?: number;
  signal?: AbortSignal;
}

const codeOf = (fetching: Promise<unknown>): Promise<string> =>
  fetching.then(
    () => 'ok',
    ({ code = 'none' }: { code?: string }) => code,
  );

describe('a file that a link leads to', () => {
  it('goes to the store, and is told with what it is', async () => {
    answer = sends(png(3, 2), { 'content-type': 'application/octet-stream' });
    const fetched = await fetchFrom(`${server.url}/pictures/cat%20%231.png?size=3`);
    expect(fetched).toEqual({
      filename: 'cat #1.png',
      content_type: 'image/png',
      bytes: png(3, 2).length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      stored_as: expect.any(String),
    });
    expect(await kept.kept()).toEqual([expect.stringContaining(fetched.stored_as)]);
  });

  it('is looked for where its server says, as far as that is public and https', async () => {
    answer = (response, { url }) =>
      url === '/here'
        ? response.writeHead(302, { location: '/there' }).end()
        : sends(pdf, { 'content-disposition': 'attachment; filename="a b.pdf"' })(response);
    expect(await fetchFrom(`${server.url}/here`)).toMatchObject({ filename: 'a b.pdf' });
    expect(asked).toEqual(['/here', '/there']);
  });

  it.each([
    ['in a circle', '/', 'attachment_unreachable'],
    ['to the network inside', 'https://10.0.0.1/secret', 'url_not_allowed'],
    ["to a cloud's metadata", 'https://169.254.169.254/latest/meta-data', 'url_not_allowed'],
    ['to plain http', 'http://127.0.0.1/', 'url_not_allowed'],
    ['to a file', 'file:///etc/passwd', 'url_not_allowed'],
    ['to nowhere', 'https://[', 'attachment_unreachable'],
  ])('is given up where the link leads on %s', async (_, location, code) => {
    answer = (response) => response.writeHead(307, { location }).end();
    expect(await codeOf(fetchFrom(server.url))).toBe(code);
    expect(asked.length).toBeLessThanOrEqual(limits.linkRedirects + 1);
  });

  it.each([
    ['http://example.com/a.png'],
    ['https://127.0.0.1/'],
    ['https://localhost/'],
    ['https://[::1]/'],
    ['https://2130706433/'],
    ['https://user:word@example.com/'],
  ])('is not looked for at %s', async (url) => {
    expect(await codeOf(fetchFrom(url, { allow: [] }))).toBe('url_not_allowed');
  });

  it('is not fetched from a name that leads inside, whatever it led to before', async () => {
    answer = sends(pdf);
    const lookups: string[] = [];
    const lookup = async (name: string) => {
      lookups.push(name);
      return [{ address: name === 'public.test' ? '127.0.0.1' : '10.0.0.1', family: 4 }];
    };
    answer = (response) => response.writeHead(302, { location: `https://other.test:${server.port}/` }).end();
    expect(await codeOf(fetchFrom(`https://public.test:${server.port}/`, { lookup }))).toBe('url_not_allowed');
    expect(lookups).toEqual(['public.test', 'other.test']);
    expect(await codeOf(fetchFrom(`https://public.test:${server.port}/`, { lookup, allow: [] }))).toBe(
      'url_not_allowed',
    );
    expect(asked).toHaveLength(1);
  });

  it.each<[string, (response: ServerResponse) => unknown, string]>([
    ['is not there', sends(Buffer.from('No'), {}, 404), 'attachment_unreachable'],
    ['is packed', sends(pdf, { 'content-encoding': 'gzip' }), 'attachment_unreachable'],
    [
      'breaks off',
      (response) => response.writeHead(200).write('x', () => response.destroy()),
      'attachment_unreachable',
    ],
    ['never ends', dribbles, 'attachment_unreachable'],
    ['never begins', () => undefined, 'attachment_unreachable'],
    ['is empty', sends(Buffer.alloc(0)), 'validation_failed'],
    [
      'says that it is too long',
      (response) => response.writeHead(200, { 'content-length': 1001 }).write('x'),
      'payload_too_large',
    ],
    ['is too long', sends(Buffer.alloc(2000, 'x'), { 'transfer-encoding': 'chunked' }), 'payload_too_large'],
    [
      'is an executable',
      sends(Buffer.from('MZ\x90\0\x03', 'latin1'), { 'content-type': 'application/pdf' }),
      'unsupported_media_type',
    ],
    [
      'is a page that says it is a PDF',
      sends(Buffer.from('<html>'), { 'content-type': 'application/pdf' }),
      'unsupported_media_type',
    ],
    ['is an image of gigabytes', sends(png(23_000, 23_000)), 'validation_failed'],
  ])('that %s is refused, and leaves nothing', async (_, answers, code) => {
    answer = answers;
    expect(await codeOf(fetchFrom(server.url, { most: 1000, most_ms: 300 }))).toBe(code);
    expect(await kept.kept()).toEqual([]);
  });

  it('is waited for by nobody when its server cannot be reached', async () => {
    const other = await startHttpsServer(() => undefined);
    await other.close();
    expect(await codeOf(fetchFrom(other.url))).toBe('attachment_unreachable');
    expect(await codeOf(fetchFrom('https://nowhere.invalid/'))).toBe('attachment_unreachable');
  });

  it('is left when whoever asked has left, with all that came of it', async () => {
    answer = dribbles;
    const control = new AbortController();
    const fetching = codeOf(fetchFrom(server.url, { signal: control.signal }));
    await until(async () => asked.length === 1);
    control.abort(Object.assign(new Error(), { code: 'left' }));
    expect(await fetching).toBe('left');
    expect(await kept.kept()).toEqual([]);
  });
});
