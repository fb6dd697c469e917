import { createHash, randomBytes } from 'node:crypto';

/** An opaque token of 256 random bits, and what is stored of it: enough to recognise it, too little to use it. */
export function mintRefreshToken(): { token: string; hash: string } {
  const token = randomBytes(32).toString('base64url');
  return { token, hash: hashRefreshToken(token) };
}

/** SHA-256 in hex. No salt and no cost: what has 256 random bits cannot be guessed. */
const hashRefreshToken = (token: string): string => createHash('sha256').update(token).digest('hex');
