import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { bearer, startEdge, type TestEdge } from './http.testing';

const json = { ...bearer, 'content-type': 'application/json' };
const gzip = { ...json, 'content-encoding': 'gzip' };

/** Texts that do not pack well: hex digits. */
const noise = (bytes: number) => randomBytes(bytes / 2).toString('hex');

describe('a body', () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge();
  });

  afterAll(() => edge.close());

  const post = async (body: Buffer | string, headers: Record<string, string> = json, path = '/v1/tasks') => {
    const { status, text } = await edge.fetch(path, {
      method: 'POST',
      headers,
      body: new Uint8Array(Buffer.from(body)),
    });
    return [status, (JSON.parse(text) as { code?: string }).code];
  };

  it.each(['application/json', 'application/json; charset=utf-8', 'application/json;charset="UTF-8"'])(
    'of the type %s is read',
    async (type) => {
      expect(await post('{"title":"ä"}', { ...json, 'content-type': type })).toEqual([201, undefined]);
    },
  );

  it.each<[string, Record<string, string>]>([
    ['UTF-16', { 'content-type': 'application/json; charset=utf-16' }],
    ['Latin 1', { 'content-type': 'application/json;charset="iso-8859-1"' }],
    ['brotli', { 'content-encoding': 'br' }],
    ['gzip twice', { 'content-encoding': 'gzip, gzip' }],
  ])('in %s is of an unsupported type', async (_, headers) => {
    expect(await post('{"title":"x"}', { ...json, ...headers })).toEqual([415, 'unsupported_media_type']);
  });

  it('that is not UTF-8 is refused, not mended', async () => {
    const cut = Buffer.from('{"title":"ä"}', 'latin1');
    expect(await post(cut)).toEqual([400, 'malformed_request']);
  });

  it('may begin with a byte order mark', async () => {
    expect(await post('\ufeff{"title":"x"}')).toEqual([201, undefined]);
  });

  it('may come as gzip', async () => {
    expect(await post(gzipSync('{"title":"x"}'), gzip)).toEqual([201, undefined]);
    expect(await post('{"title":"x"}', gzip)).toEqual([400, 'malformed_request']);
    expect(await post(gzipSync('{"title":"x"}').subarray(0, 20), gzip)).toEqual([400, 'malformed_request']);
  });

  it('that grows beyond what its route takes is refused, and so is one that grows too much', async () => {
    expect(await post(gzipSync(`{"title":"${noise(1_100_000)}"}`), gzip)).toEqual([413, 'payload_too_large']);
    expect(await post(gzipSync(`{"title":"${'a'.repeat(100_000)}"}`), gzip)).toEqual([413, 'payload_too_large']);
  });

  it('is as large as its route says', async () => {
    const of = (bytes: number) => JSON.stringify({ model: 'a/b', messages: [{ role: 'user', content: noise(bytes) }] });
    expect(await post(of(70_000), json, '/v1/auth/login')).toEqual([413, 'payload_too_large']);
    expect(await post(of(70_000))).toEqual([400, 'validation_failed']);
    expect(await post(of(1_100_000))).toEqual([413, 'payload_too_large']);
    const { status } = await edge.fetch('/v1/chat/completions', { method: 'POST', headers: json, body: of(1_400_000) });
    expect(status).not.toBe(413);
    expect(
      (await edge.fetch('/v1/chat/completions', { method: 'POST', headers: json, body: of(1_500_000) })).status,
    ).toBe(413);
  });

  it('is asked for where a change needs one', async () => {
    for (const [method, path] of [
      ['PATCH', '/v1/tasks/01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42'],
      ['PUT', '/v1/prices'],
    ]) {
      const { status, text } = await edge.fetch(`${path}`, { method: `${method}`, headers: bearer });
      expect([status, JSON.parse(text)]).toMatchObject([400, { code: 'malformed_request' }]);
    }
  });
});
