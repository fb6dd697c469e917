import { MAX_ATTEMPTS, retryDelay } from './retry-schedule';

describe('retryDelay', () => {
  it('follows the schedule of Standard Webhooks', () => {
    const minutes = [1, 2, 3, 4, 5, 6, 7, 8].map((attempts) => (retryDelay(attempts, 0) ?? 0) / 60_000);
    expect(minutes).toEqual([5 / 60, 5, 30, 120, 300, 600, 840, 1200]);
  });

  it('adds at most a tenth', () => {
    expect(retryDelay(1, 0.999)).toBe(5500);
  });

  it('ends', () => {
    expect(retryDelay(MAX_ATTEMPTS, 0)).toBeUndefined();
  });
});
