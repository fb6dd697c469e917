import type { RunEvent } from '@taai/contracts';
import { resumeRebuilt } from './run-events';

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
