import { randomBytes } from 'node:crypto';
import { sha256 } from '@taai/platform';

/**
 * A token of 256 random bits, and what is stored of it: enough to recognise it, too little to use it. No salt and no cost: what has
 * 256 random bits cannot be guessed.
 */
export function mintToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: sha256(token) };
}
