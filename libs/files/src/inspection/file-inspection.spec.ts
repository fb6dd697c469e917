import { limits, ProblemError } from '@taai/contracts';
import { FileInspection } from './file-inspection';
import { gif, jpeg, pdf, png, webp } from './samples.testing';

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The type that is found, or the code of the refusal. All that came through must be what went in. */
async function inspect(bytes: Buffer, claims: { filename?: string; declared_type?: string } = {}, piece = 64 * 1024) {
  const inspection = new FileInspection({ filename: 'x', declared_type: '', ...claims });
  try {
    const passed = Buffer.concat(await Array.fromAsync(inspection.pass(inPieces(bytes, piece))));
    expect(passed.equals(bytes)).toBe(true);
    const { content_type, bytes: length } = inspection.result();
    expect(length).toBe(bytes.length);
    return content_type;
  } catch (error) {
    if (error instanceof ProblemError) return error.code;
    throw error;
  }
}

const text = 'text/plain; charset=utf-8';
const executable = Buffer.concat([Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff', 'latin1'), Buffer.alloc(500)]);
const elf = Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1'), Buffer.alloc(500)]);

describe('a file', () => {
  it.each([
    ['image/png', png(1, 1)],
    ['image/jpeg', jpeg(640, 480)],
    ['image/gif', gif(16, 16)],
    ['image/webp', webp.lossy(100, 50)],
    ['image/webp', webp.lossless(100, 50)],
    ['image/webp', webp.extended(100, 50)],
    ['application/pdf', pdf],
    [text, Buffer.from('Grüße, 世界 🎉\tand\r\n\x1b[1mmore\x1b[0m')],
    [text, Buffer.from('x')],
  ])('is told to be %s by its first bytes, in pieces of any size', async (type, bytes) => {
    for (const piece of [1, 7, 64 * 1024])
      expect(await inspect(bytes, { declared_type: 'application/octet-stream' }, piece)).toBe(type);
  });

  it.each([
    ['an executable', executable],
    ['an executable of Linux', elf],
    ['an archive', Buffer.from('PK\x03\x04\x14\0\0\0\x08\0', 'latin1')],
    ['text in another encoding', Buffer.from('Gr\xfc\xdfe', 'latin1')],
    ['text that ends within a character', Buffer.from('Grüße 世').subarray(0, -1)],
    ['UTF-16', Buffer.from('hello', 'utf16le')],
    ['a text that turns out to be none', Buffer.concat([Buffer.alloc(200_000, 'text '), Buffer.from([0])])],
  ])('that is %s is refused, whatever it says that it is', async (_, bytes) => {
    for (const claims of [
      {},
      { filename: 'invoice.pdf', declared_type: 'application/pdf' },
      { declared_type: 'text/plain' },
    ])
      expect(await inspect(bytes, claims)).toBe('unsupported_media_type');
  });

  it('that is a script under the name of a PDF is refused, and an image under that of a text is an image', async () => {
    const script = Buffer.from('#!/bin/sh\necho gotcha\n');
    expect(await inspect(script, { filename: 'invoice.pdf' })).toBe('unsupported_media_type');
    expect(await inspect(script, { declared_type: 'image/png' })).toBe('unsupported_media_type');
    expect(await inspect(script, { filename: 'run.sh' })).toBe(text);
    expect(await inspect(png(1, 1), { filename: 'x.txt', declared_type: 'text/plain' })).toBe('image/png');
  });

  it('must have something in it', async () => {
    expect(await inspect(Buffer.alloc(0))).toBe('validation_failed');
  });
});

describe('an image', () => {
  const side = limits.imageSidePixels;

  it.each([
    ['png', png],
    ['jpeg', jpeg],
    ['webp', webp.extended],
  ])('of few bytes that unpacks to gigabytes is refused: %s', async (_, make) => {
    expect(await inspect(make(23_000, 23_000))).toBe('validation_failed');
    expect(await inspect(make(side + 1, 1))).toBe('validation_failed');
    expect(await inspect(make(8000, 6250))).not.toBe('validation_failed');
    expect(await inspect(make(8000, 6251))).toBe('validation_failed');
  });

  it.each([
    ['a PNG without its header', Buffer.concat([png(1, 1).subarray(0, 8), Buffer.alloc(50, 'x')])],
    ['a PNG that is cut off', png(1, 1).subarray(0, 20)],
    ['a PNG of no size', png(0, 1)],
    ['a JPEG without a frame', Buffer.from('\xff\xd8\xff\xd9\0\0\0\0\0\0\0\0\0\0', 'latin1')],
    ['a JPEG of segments without length', Buffer.from('\xff\xd8\xff\xe0\0\0\0\0\0\0\0\0\0\0', 'latin1')],
    ['a WebP of an unknown kind', Buffer.from('RIFF\x10\0\0\0WEBPVP8?' + '\0'.repeat(20), 'latin1')],
  ])('that does not tell its size is refused: %s', async (_, bytes) => {
    expect(await inspect(bytes)).toBe('validation_failed');
  });

  it('of a camera may have long metadata before its frame, but not endless ones', async () => {
    expect(await inspect(jpeg(4000, 3000, 14))).toBe('image/jpeg');
    expect(await inspect(jpeg(4000, 3000, 40))).toBe('validation_failed');
  });
});
