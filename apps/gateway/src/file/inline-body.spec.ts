import { Readable } from 'node:stream';
import { limits } from '@taai/contracts';
import { drain } from './drain';
import { InlineBody } from './inline-body';
import { JsonReader } from './json-reader';

const base64 = Buffer.alloc(6000, 'abc').toString('base64');
const long = `data:text/plain;base64,${base64}`;

/** Reads the JSON in pieces of so many bytes. Resolves to what is left, and to the texts that were taken. */
async function read(json: string, size = 7, bounds: Partial<InlineBody['bounds']> = {}, most = Infinity) {
  const bytes = Buffer.from(json);
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, (n + 1) * size),
  );
  const taken: string[] = [];
  const take = async (text: AsyncIterable<Buffer>) => {
    let all = '';
    for await (const piece of text) {
      all += piece.toString('latin1');
      if (all.length >= most) break;
    }
    taken.push(all);
    return `#${taken.length}`;
  };
  const all = { json: 100_000, texts: 1000, files: 3, ...bounds };
  const rest = await new InlineBody(new JsonReader(Readable.from(pieces)), all, take).read();
  return { rest: rest.toString(), taken };
}

describe('a body with files', () => {
  it.each([1, 2, 7, 4096, 100_000])(
    'in pieces of %i bytes has them taken, and what stands for them left',
    async (size) => {
      const body = {
        content: 'See \\" "this" \\\\',
        attachments: [{ url: long }, { file_id: 'x' }, { url: 'data:,short' }],
        parts: [{ file: { file_data: long } }, { source: { value: base64 } }],
      };
      const { rest, taken } = await read(JSON.stringify(body), size);
      expect(taken).toEqual([long, long, base64]);
      expect(JSON.parse(rest)).toEqual({
        ...body,
        attachments: [{ url: '#1' }, ...body.attachments.slice(1)],
        parts: [{ file: { file_data: '#2' } }, { source: { value: '#3' } }],
      });
    },
  );

  it('keeps what is said, however much it looks like a file', async () => {
    const body = { content: long, url: ['url', long], value: `https://example.com/${'x'.repeat(5000)}`, text: base64 };
    expect(await read(JSON.stringify(body))).toEqual({ rest: JSON.stringify(body), taken: [] });
  });

  it('may be written with any space, and any escapes', async () => {
    const { rest, taken } = await read(`{"url"\n:\t "${long.replaceAll('/', '\\/')}","a\\"":"\\\\"}`);
    expect(taken).toEqual([long.replaceAll('/', '\\/')]);
    expect(JSON.parse(rest)).toEqual({ url: '#1', 'a"': '\\' });
  });

  it('goes on behind a file that is not read to its end', async () => {
    expect(await read(`{"url":"${long}","content":"x"}`, 64, {}, 10)).toMatchObject({
      rest: '{"url":"#1","content":"x"}',
    });
  });

  it.each([`{"url":"${long}`, `{"url":"${long}"`, '{"content":"x', '', '{'])(
    'that is cut off is left so: %#',
    async (json) => {
      const { rest } = await read(json);
      expect(() => void JSON.parse(rest)).toThrow(SyntaxError);
    },
  );

  it.each([
    ['other JSON', { json: 1000 }, `{"content":"${'x'.repeat(1000)}"}`, 'payload_too_large'],
    ['texts', { texts: 3 }, '["","","",""]', 'validation_failed'],
    ['files', { files: 1 }, `[{"url":"${long}"},{"url":"${long}"}]`, 'validation_failed'],
  ])('has no more %s than it may', async (_, bounds, json, code) => {
    await expect(read(json, 100, bounds)).rejects.toMatchObject({ code });
  });

  it('of 28 MB of backslashes and quotes is read as fast as it comes', async () => {
    const hostile = `{"url":"${long}${'\\\\'.repeat(2_000_000)}${'\\"'.repeat(2_000_000)}"}`;
    const source = Readable.from([Buffer.from(hostile)]);
    const bounds = { json: limits.bodyBytes, texts: 10, files: 1 };
    const take = async (text: AsyncIterable<Buffer>) => drain(text).then(() => '#');
    expect((await new InlineBody(new JsonReader(source), bounds, take).read()).toString()).toBe('{"url":"#"}');
  });
});
