import { createHmac, randomBytes } from 'node:crypto';
import { sha256 } from '@taai/platform';

/** What is stored of a session's current refresh token. */
export interface RefreshState {
  refresh_token_hash: string | null;
  /** The salt with which the current token is derived from the one before it. */
  refresh_salt: string | null;
  /** Whether the current token is so new that a client may still send the one before it. */
  is_fresh: boolean | null;
}

/** The outcome of a refresh: a new successor, the same successor once more, or a token that was used before. */
export type Exchange =
  { kind: 'rotated'; successor: string; salt: string } | { kind: 'repeated'; successor: string } | { kind: 'reused' };

const follow = (salt: string, token: string): string =>
  createHmac('sha256', Buffer.from(salt, 'base64url')).update(token).digest('base64url');

/**
 * The living token gets a successor; its immediate predecessor gets the same once more while the exchange is fresh, because
 * clients refresh in parallel and repeat what was cut. Any other token was used before: one of two who hold it has stolen it.
 */
export function exchange({ refresh_token_hash, refresh_salt, is_fresh }: RefreshState, token: string): Exchange {
  if (sha256(token) === refresh_token_hash) {
    const salt = randomBytes(32).toString('base64url');
    return { kind: 'rotated', successor: follow(salt, token), salt };
  }
  const successor = refresh_salt !== null && is_fresh ? follow(refresh_salt, token) : undefined;
  if (successor !== undefined && sha256(successor) === refresh_token_hash) return { kind: 'repeated', successor };
  return { kind: 'reused' };
}
