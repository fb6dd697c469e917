import type { LevelState } from './rate-decision';
import { openAiDuration, openAiHeaders, rateHeaders } from './rate-headers';
import type { RateLevel } from './rate-levels';

const state = (name: RateLevel['name'], per_minute: number, remaining: number, reset_seconds: number): LevelState => ({
  level: { name, field: name, per_minute, amount: 1 },
  remaining,
  reset_seconds,
});

const states = [state('tenant', 100, 57, 26), state('user', 50, 7, 52), state('tokens', 5000, 0, 75)];

it('writes the lists of structured fields of the IETF’s draft', () => {
  expect(rateHeaders(states)).toEqual({
    'ratelimit-policy': '"tenant";q=100;w=60, "user";q=50;w=60, "tokens";q=5000;w=60;qu="tokens"',
    ratelimit: '"tenant";r=57;t=26, "user";r=7;t=52, "tokens";r=0;t=75',
  });
});

it('tells OpenAI’s clients of the level of requests with the least left, and of the tokens', () => {
  expect(openAiHeaders(states)).toEqual({
    'x-ratelimit-limit-requests': '50',
    'x-ratelimit-remaining-requests': '7',
    'x-ratelimit-reset-requests': '52s',
    'x-ratelimit-limit-tokens': '5000',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '1m15s',
  });
  expect(openAiHeaders(states.slice(0, 2))).not.toHaveProperty('x-ratelimit-limit-tokens');
});

it.each([
  [0, '0s'],
  [12, '12s'],
  [60, '1m0s'],
  [360, '6m0s'],
  [3605, '1h0m5s'],
])('writes %i seconds as %s', (seconds, text) => expect(openAiDuration(seconds)).toBe(text));
