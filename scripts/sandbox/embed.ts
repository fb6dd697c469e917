import { createHash } from 'node:crypto';

const DIMENSIONS = 8;
const MAX_DIMENSIONS = 4_096;

/** A vector of length 1 for a text: the same for the same text, and about at right angles to all others. */
export function embed(text: string, dimensions = DIMENSIONS): number[] {
  const size = Math.min(Math.max(1, dimensions), MAX_DIMENSIONS);
  const bytes = createHash('shake256', { outputLength: size }).update(text).digest();
  const raw = Array.from(bytes, (byte) => byte - 127.5);
  const norm = Math.hypot(...raw);
  return raw.map((value) => value / norm);
}
