import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SHAPE = /^taai_live_[0-9A-Za-z]{49}$/;
const CHECKSUM = 6;

export const looksLikeApiKey = (text: string): boolean => text.startsWith('taai_');

/** SHA-256 in hex, which is what is stored; undefined for what is no key by its shape or its checksum. */
export function hashOfApiKey(text: string): string | undefined {
  if (!SHAPE.test(text)) return undefined;
  const body = text.slice(0, -CHECKSUM);
  if (checksum(body) !== text.slice(-CHECKSUM)) return undefined;
  return createHash('sha256').update(text).digest('hex');
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
