import type { RunMessage } from '../file/stored-file';
import { newestBehind, newestThatFit, type Said } from './context-window';

/** Pseudo-random, and the same each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * sides);
  };
}

const user = (content: string, tokens: number): Said => ({
  message: { role: 'user', content },
  tokens,
  calls: [],
  call_tokens: 0,
});

const call = (id: string): RunMessage[] => [
  { role: 'assistant', content: '', tool_calls: [{ id, name: 'look', arguments: '{}' }] },
  { role: 'tool', tool_call_id: id, name: 'look', content: '1' },
];

const answer = (content: string, tokens: number, call_tokens = 0): Said => ({
  message: { role: 'assistant', content },
  tokens,
  calls: call_tokens > 0 ? call(content) : [],
  call_tokens,
});

const shown = (said: readonly Said[], budget: number) =>
  newestThatFit(said, budget).map(({ role, content }) => content || role);

const said = [user('1', 10), answer('a', 10, 50), user('2', 10), answer('b', 10, 50), user('3', 10)];

describe('what of a conversation fits', () => {
  it.each([
    ['all of it', 150, ['1', 'assistant', '1', 'a', '2', 'assistant', '1', 'b', '3']],
    ['without the oldest tool calls', 149, ['1', 'a', '2', 'assistant', '1', 'b', '3']],
    ['the newest turns, whole', 99, ['2', 'assistant', '1', 'b', '3']],
    ['what was said, without any calls', 79, ['1', 'a', '2', 'b', '3']],
    ['the turn before, without its calls', 49, ['2', 'b', '3']],
    ['the newest message', 29, ['3']],
    ['the newest message, which is too long', 0, ['3']],
    ['the newest message, where nothing is left', -100, ['3']],
  ])('%s', (_, budget, expected) => expect(shown(said, budget)).toEqual(expected));

  it('turns of several people and answers are turns each', () => {
    const several = [answer('0', 5), user('1', 5), user('2', 5), answer('a', 5), answer('b', 5), user('3', 5)];
    expect(shown(several, 25)).toEqual(['1', '2', 'a', 'b', '3']);
    expect(shown(several, 19)).toEqual(['3']);
  });

  it('nothing was said', () => expect(newestThatFit([], 10)).toEqual([]));
});

it.each([
  ['all turns', 160, ['so far', '1', 'assistant', '1', 'a', '2', 'assistant', '1', 'b', '3']],
  ['turns that it leaves room for', 109, ['so far', '2', 'assistant', '1', 'b', '3']],
  ['the newest message', 20, ['so far', '3']],
  ['nothing: the newest message goes before it', 19, ['3']],
])('a summary goes before %s', (_, budget, expected) => {
  const summary = { message: { role: 'user' as const, content: 'so far' }, tokens: 10 };
  expect(newestBehind(summary, said, budget).map(({ role, content }) => content || role)).toEqual(expected);
});

it('of whatever was said, whatever fits: never more, no call without its result, and a row of the newest turns', () => {
  for (let seed = 1; seed <= 2000; seed += 1) {
    const roll = dice(seed);
    const conversation = Array.from({ length: 1 + roll(30) }, (_, n) =>
      roll(2) === 0 ? user(`${n}`, roll(100)) : answer(`${n}`, roll(100), roll(3) === 0 ? 1 + roll(200) : 0),
    );
    const all = [...conversation, user('newest', roll(100))];
    const budget = roll(1500) - 100;
    const kept = newestThatFit(all, budget);

    expect(kept.at(-1)).toMatchObject({ content: 'newest' });
    const words = kept.filter((message) => all.some((one) => one.message === message));
    expect(words).toEqual(all.slice(-words.length).map(({ message }) => message));
    const first = all.length - words.length;
    expect(first === 0 || all[first]?.message.role === 'user').toBe(true);

    const ids = kept.flatMap((message) =>
      ('tool_calls' in message ? (message.tool_calls ?? []) : []).map(({ id }) => id),
    );
    expect(kept.flatMap((message) => (message.role === 'tool' ? [message.tool_call_id] : []))).toEqual(ids);
    const tokens = all.slice(first).reduce((sum, one) => {
      const called = one.calls.length > 0 && kept.includes(one.calls[0] as RunMessage);
      return sum + one.tokens + (called ? one.call_tokens : 0);
    }, 0);
    if (words.length > 1) expect(tokens).toBeLessThanOrEqual(budget);
  }
});
