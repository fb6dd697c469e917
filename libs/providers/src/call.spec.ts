import { Deadline } from './call';
import type { CallOptions } from './types';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const ended = (deadline: Deadline) => deadline.signal.aborted && deadline.error?.code;

describe('Deadline', () => {
  it.each<[string, CallOptions, number]>([
    ['for the whole call', { timeout_ms: 1000 }, 1000],
    ['for the first piece', { timeout_ms: 1000, first_token_timeout_ms: 300 }, 300],
    ['for the whole call, when that is less', { timeout_ms: 1000, first_token_timeout_ms: 3000 }, 1000],
  ])('knows the time %s', (_what, options, milliseconds) => {
    const deadline = new Deadline(options);
    jest.advanceTimersByTime(milliseconds - 1);
    expect(ended(deadline)).toBe(false);
    jest.advanceTimersByTime(1);
    expect(ended(deadline)).toBe('timeout');
  });

  it('counts silence after the first piece, and none while the reader is busy', () => {
    const deadline = new Deadline({ timeout_ms: 100_000, first_token_timeout_ms: 300, idle_timeout_ms: 500 });
    for (let piece = 0; piece < 5; piece++) {
      deadline.received();
      jest.advanceTimersByTime(5000);
      deadline.waiting();
      jest.advanceTimersByTime(499);
    }
    expect(ended(deadline)).toBe(false);
    jest.advanceTimersByTime(1);
    expect(ended(deadline)).toBe('timeout');
  });

  it('is the caller’s first', () => {
    const controller = new AbortController();
    const deadline = new Deadline({ timeout_ms: 1000, signal: controller.signal });
    controller.abort();
    jest.advanceTimersByTime(1000);
    expect(ended(deadline)).toBe('aborted');
    expect(ended(new Deadline({ timeout_ms: 1000, signal: controller.signal }))).toBe('aborted');
  });

  it('has no word for an answer that is no longer wanted', () => {
    const deadline = new Deadline({ timeout_ms: 1000 });
    deadline.leave();
    expect(deadline.signal.aborted).toBe(true);
    expect(deadline.error).toBeUndefined();
  });

  it('leaves nothing behind', () => {
    const deadline = new Deadline({ timeout_ms: 1000, first_token_timeout_ms: 10 });
    deadline.waiting();
    deadline.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});
