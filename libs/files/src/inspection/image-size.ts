import type { FileType } from '@taai/contracts';

export interface ImageSize {
  width: number;
  height: number;
}

/** What the beginning of an image tells of its size. `more`: it does not tell yet. Null: it never will. */
export type ToldSize = ImageSize | 'more' | null;

const KIND = 12;
const VP8_START_CODE = 0x9d012a;

/** Reads the size from the header; the image is not unpacked. */
export const sizeReaders: Partial<Record<FileType, (head: Buffer) => ToldSize>> = {
  'image/png': (head) => {
    if (head.length < 24) return 'more';
    if (head.toString('latin1', 12, 16) !== 'IHDR') return null;
    return { width: head.readUInt32BE(16), height: head.readUInt32BE(20) };
  },
  'image/gif': (head) => (head.length < 10 ? 'more' : { width: head.readUInt16LE(6), height: head.readUInt16LE(8) }),
  'image/webp': webpSize,
  'image/jpeg': jpegSize,
};

function webpSize(head: Buffer): ToldSize {
  if (head.length < 30) return 'more';
  switch (head.toString('latin1', KIND, KIND + 4)) {
    case 'VP8 ':
      if (head.readUIntBE(23, 3) !== VP8_START_CODE) return null;
      return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { width: head.readUIntLE(24, 3) + 1, height: head.readUIntLE(27, 3) + 1 };
    default:
      return null;
  }
}

/** Start of frame, of whatever kind: C0 to CF but for tables (C4), an extension (C8) and conditioning (CC). */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
/** Scan and end of image: the frame must have come before. */
const isTooLate = (marker: number) => marker === 0xda || marker === 0xd9;
const FRAME_BYTES = 9;

/** Leaps from segment to segment: previews and profiles of any length may come before the frame. */
function jpegSize(head: Buffer): ToldSize {
  let at = 2;
  while (at + FRAME_BYTES <= head.length) {
    if (head[at] !== 0xff) return null;
    const marker = head.readUInt8(at + 1);
    const length = head.readUInt16BE(at + 2);
    if (marker === 0xff) at += 1;
    else if (isFrame(marker)) return { width: head.readUInt16BE(at + 7), height: head.readUInt16BE(at + 5) };
    else if (isTooLate(marker) || length < 2) return null;
    else at += 2 + length;
  }
  return 'more';
}
