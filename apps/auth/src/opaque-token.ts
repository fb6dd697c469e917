import { createHash, randomBytes } from 'node:crypto';

/** A token of 256 random bits, and what is stored of it: enough to recognise it, too little to use it. */
export function mintToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashToken(token) };
}

/** SHA-256 in hex. No salt and no cost: what has 256 random bits cannot be guessed. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');
