import { decodeBase64, readHead, unescaped } from './data-url';

async function* of<T>(...pieces: T[]): AsyncGenerator<T> {
  yield* pieces;
}

const decoded = async (...pieces: string[]) =>
  Buffer.concat(await Array.fromAsync(decodeBase64(of(...pieces)))).toString();
const said = async (...pieces: string[]) =>
  (await Array.fromAsync(unescaped(of(...pieces.map((piece) => Buffer.from(piece)))))).join('');

describe('the head of a data URL', () => {
  it.each([
    ['data:image/png;base64,iVBO', 'image/png'],
    ['DATA:text/plain;charset=utf-8;BASE64,SGk=', 'text/plain;charset=utf-8'],
    ['data:;base64,SGk=', ''],
  ])('of %s says %s', (url, type) => {
    const { declared_type, start } = readHead(url);
    expect([declared_type, url.slice(0, start).toLowerCase()]).toEqual([type, expect.stringMatching(/;base64,$/)]);
  });

  it.each(['data:text/plain,Hello', 'data:', 'https://example.com/,', `data:${'x'.repeat(400)};base64,`])(
    'is none in %s',
    (url) => {
      expect(() => readHead(url)).toThrow('must be a data URL in base64');
    },
  );
});

describe('base64', () => {
  it.each([
    [['SGVsbG8='], 'Hello'],
    [['S', 'GVs', 'bG8', '='], 'Hello'],
    [['SGVsbG8'], 'Hello'],
    [['SGk', '=', ''], 'Hi'],
    [[''], ''],
  ])('in the pieces %j is decoded', async (pieces, text) => {
    expect(await decoded(...pieces)).toBe(text);
  });

  it.each([
    [['SGk=', 'SGk=']],
    [['SGk=SGk=']],
    [['S']],
    [['SG k=']],
    [['SGk-']],
    [['SGVsb', 'G8===']],
    [['Gr\u00fc\u00df']],
  ])('is not %j', async (pieces) => {
    await expect(decoded(...pieces)).rejects.toMatchObject({ code: 'validation_failed' });
  });
});

describe('a text of JSON', () => {
  it.each([
    [['image\\/png'], 'image/png'],
    [['a\\', '/b'], 'a/b'],
    [['a\\u00', '2Bb', '\\u002b'], 'a+b+'],
  ])('in the pieces %j says %s', async (pieces, text) => {
    expect(await said(...pieces)).toBe(text);
  });

  it.each([[['a\\']], [['\\x41']], [['\\u00', 'g1']]])('is not %j', async (pieces) => {
    await expect(said(...pieces)).rejects.toMatchObject({ code: 'validation_failed' });
  });
});
