import { sha256 } from '@taai/platform';
import { mintToken } from '../token/opaque-token';
import { exchange, type RefreshState } from './refresh-token';

const first = mintToken();
const opened: RefreshState = { refresh_token_hash: first.hash, refresh_salt: null, is_fresh: null };

function rotated(state: RefreshState, token: string) {
  const next = exchange(state, token);
  if (next.kind !== 'rotated') throw new Error(`The token was ${next.kind}.`);
  const { successor, salt } = next;
  const after = { refresh_token_hash: sha256(successor), refresh_salt: salt, is_fresh: true };
  return { successor, after };
}

describe('exchange', () => {
  it('gives the living token a successor that nobody could foretell', () => {
    const [one, other] = [rotated(opened, first.token), rotated(opened, first.token)];
    expect(one.successor).toMatch(/^[\w-]{43}$/);
    expect(one.successor).not.toBe(other.successor);
  });

  it('gives the immediate predecessor the same successor while it is fresh', () => {
    const { successor, after } = rotated(opened, first.token);
    expect(exchange(after, first.token)).toEqual({ kind: 'repeated', successor });
    expect(exchange({ ...after, is_fresh: false }, first.token)).toEqual({ kind: 'reused' });
  });

  it('takes every older token for stolen', () => {
    const { successor, after } = rotated(opened, first.token);
    const { after: later } = rotated(after, successor);
    expect(exchange(later, successor)).toMatchObject({ kind: 'repeated' });
    expect(exchange(later, first.token)).toEqual({ kind: 'reused' });
    expect(exchange(later, mintToken().token)).toEqual({ kind: 'reused' });
  });
});
