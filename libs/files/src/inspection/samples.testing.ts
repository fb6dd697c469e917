const u16 = (value: number) => Buffer.from([value >> 8, value & 0xff]);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** Headers that tell a size, and no image behind them. */
export const png = (width: number, height: number): Buffer =>
  Buffer.concat([
    latin1('\x89PNG\r\n\x1a\n'),
    u32(13),
    latin1('IHDR'),
    u32(width),
    u32(height),
    latin1('\x08\x06\0\0\0'),
  ]);

export const gif = (width: number, height: number): Buffer =>
  Buffer.concat([latin1('GIF89a'), u16(width).reverse(), u16(height).reverse(), latin1('\0\0\0')]);

/** @param segments of 64 kB before the frame */
export function jpeg(width: number, height: number, segments = 1): Buffer {
  const segment = Buffer.concat([latin1('\xff\xe1'), u16(0xffff), Buffer.alloc(0xffff - 2)]);
  const frame = Buffer.concat([latin1('\xff\xc2'), u16(17), latin1('\x08'), u16(height), u16(width), Buffer.alloc(10)]);
  return Buffer.concat([latin1('\xff\xd8'), ...Array<Buffer>(segments).fill(segment), latin1('\xff'), frame]);
}

const riff = (kind: string, data: Buffer) =>
  Buffer.concat([latin1('RIFF\0\0\0\0WEBP'), latin1(kind), u32(data.length), data, Buffer.alloc(10)]);

const u24le = (value: number) => Buffer.from([value & 0xff, (value >> 8) & 0xff, value >> 16]);

export const webp = {
  lossy: (width: number, height: number): Buffer =>
    riff('VP8 ', Buffer.concat([latin1('\0\0\0\x9d\x01\x2a'), u16(width).reverse(), u16(height).reverse()])),
  lossless(width: number, height: number): Buffer {
    const bits = Buffer.alloc(4);
    bits.writeUInt32LE((((height - 1) << 14) | (width - 1)) >>> 0);
    return riff('VP8L', Buffer.concat([latin1('\x2f'), bits]));
  },
  extended: (width: number, height: number): Buffer =>
    riff('VP8X', Buffer.concat([latin1('\0\0\0\0'), u24le(width - 1), u24le(height - 1)])),
};

export const pdf: Buffer = latin1('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer <<>>\n%%EOF\n');
