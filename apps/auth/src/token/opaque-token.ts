import { randomBytes } from 'node:crypto';
import { sha256 } from '@taai/platform';

/**
 * Mints a token of 256 random bits, and the hash that is stored of it. The hash needs neither salt nor cost, because 256 random bits
 * cannot be guessed.
 */
export function mintToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: sha256(token) };
}
