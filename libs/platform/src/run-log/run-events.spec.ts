import type { RunEvent } from '@taai/contracts';
import { fromMessage, resumeRebuilt } from './run-events';

const started: RunEvent = { id: 1, type: 'run.started', data: { run_id: 'r', agent_id: 'a' } };
const token: RunEvent<'token'> = { id: 18, type: 'token', data: { text: 'all of it' } };
const sums = {
  input_tokens: 5,
  cache_read_tokens: null,
  cache_write_tokens: null,
  output_tokens: 3,
  reasoning_tokens: null,
};
const usage: RunEvent = { id: 19, type: 'usage', data: { ...sums, cost_micro_usd: null, is_estimated: false } };
const completed: RunEvent = { id: 20, type: 'run.completed', data: { output: 'all of it' } };
const events = [started, token, usage, completed];

describe('a message of a live channel', () => {
  const message = JSON.stringify([token]);

  it('is read once for all readers of a run', () => {
    const first = fromMessage('a', message);
    expect(first).toEqual([token]);
    expect(fromMessage('a', message)).toBe(first);
  });

  it('of another run is another, though it says the same', () => {
    const first = fromMessage('a', message);
    const other = fromMessage('b', message);
    expect(other).toEqual(first);
    expect(other?.[0]).not.toBe(first?.[0]);
  });

  it('that holds anything else is none', () => {
    expect(fromMessage('a', '{"id":1}')).toBeUndefined();
  });
});

describe('resumeRebuilt', () => {
  it('gives a reader without events everything, and one with whole events the rest', () => {
    expect(resumeRebuilt(events, 0)).toEqual(events);
    expect(resumeRebuilt(events, 1)).toEqual([token, usage, completed]);
    expect(resumeRebuilt(events, 18)).toEqual([usage, completed]);
    expect(resumeRebuilt(events, 19)).toEqual([completed]);
    expect(resumeRebuilt(events, 20)).toEqual([]);
    expect(resumeRebuilt(events, 9999)).toEqual([]);
  });

  it.each([2, 3, 16, 17])(
    'makes a reader that was cut at token %i drop its tokens, under ids that still grow',
    (after) => {
      expect(resumeRebuilt(events, after)).toEqual([
        { id: 18, type: 'step.retried', data: { step: 1, after_id: 1 } },
        { ...token, id: 19 },
        completed,
      ]);
    },
  );
});
