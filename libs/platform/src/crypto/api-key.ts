import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { sha256 } from './sha256';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const MARK = 'taai_live_';
const SHAPE = /^taai_live_[0-9A-Za-z]{49}$/;
/** Of base 62: 256.03 bits. */
const RANDOM = 43;
const CHECKSUM = 6;
/** Of the random digits: 14 million keys apart, and 232 bits left to guess. */
const SHOWN = 4;

export interface MintedApiKey {
  /** `taai_live_`, 43 random digits and 6 of CRC-32 over what precedes, all of base 62. To be shown once. */
  key: string;
  /** The first characters, by which people tell keys apart. */
  prefix: string;
  /** SHA-256 in hex, which is what is stored. */
  hash: string;
}

export function mintApiKey(): MintedApiKey {
  const body = MARK + randomDigits(RANDOM);
  const key = body + checksum(body);
  return { key, prefix: key.slice(0, MARK.length + SHOWN), hash: sha256(key) };
}

export const looksLikeApiKey = (text: string): boolean => text.startsWith('taai_');

/** Returns the key's SHA-256 in hex, which is what is stored; undefined for a text whose shape or checksum is not a key's. */
export function hashOfApiKey(text: string): string | undefined {
  if (!SHAPE.test(text)) return undefined;
  const body = text.slice(0, -CHECKSUM);
  return checksum(body) === text.slice(-CHECKSUM) ? sha256(text) : undefined;
}

/** Draws digits that are equally likely: bytes beyond the last multiple of 62 are drawn again. */
function randomDigits(count: number): string {
  const fair = 256 - (256 % DIGITS.length);
  let digits = '';
  while (digits.length < count) {
    for (const byte of randomBytes(count)) if (byte < fair) digits += DIGITS.charAt(byte % DIGITS.length);
  }
  return digits.slice(0, count);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < CHECKSUM; place++) {
    text = DIGITS.charAt(rest % DIGITS.length) + text;
    rest = Math.floor(rest / DIGITS.length);
  }
  return text;
}
