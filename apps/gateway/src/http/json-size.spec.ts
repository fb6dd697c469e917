import { limits } from '@taai/contracts';
import { assertModest } from './json-size';

const refusal = (json: string, values = 100) => {
  try {
    assertModest(json, values);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

const fields = (count: number, key = 'k') => `{${Array.from({ length: count }, () => `"${key}":1`).join()}}`;

describe('the size of JSON', () => {
  it.each([
    ['a text of braces', `"${'[{'.repeat(200)}"`],
    ['a text of escaped quotes', `"${'\\"'.repeat(200)}${','.repeat(200)}"`],
    ['a text that ends with a backslash', `["\\\\",${'1,'.repeat(50)}1]`],
    ['a hundred items', `[${'1,'.repeat(99)}1]`],
    ['nesting that ends', `[${'[],'.repeat(40)}[]]`],
    ['32 levels', '['.repeat(32) + ']'.repeat(32)],
    ['what is no JSON', ']]]}}}"'],
    ['nothing', ''],
  ])('takes %s', (_, json) => {
    expect(refusal(json)).toBeUndefined();
  });

  it.each([
    ['items', `[${'1,'.repeat(101)}1]`, 'more than 100 keys and items'],
    ['empty objects', `[${'{},'.repeat(60)}{}]`, 'more than 100 keys and items'],
    ['one key, given again and again', fields(200), 'more than 100 keys and items'],
    ['commas alone', ','.repeat(200), 'more than 100 keys and items'],
    ['levels', '['.repeat(33), 'deeper than 32 levels'],
    ['levels without an end', '{"a":'.repeat(50), 'deeper than 32 levels'],
    ['items behind a text of backslashes', `["\\\\\\\\",${'1,'.repeat(101)}1]`, 'more than 100 keys and items'],
  ])('refuses too many %s', (_, json, reason) => {
    expect(refusal(json)).toContain(reason);
  });

  it('takes more values of a longer body', () => {
    expect(refusal(`[${'1,'.repeat(4000)}1]`, 10_000)).toContain('more than 2666 keys and items');
    expect(refusal(`[${'1,'.repeat(4000)}"${'a'.repeat(40_000)}"]`, 10_000)).toBeUndefined();
  });

  it('refuses an object of more keys than any should have', () => {
    expect(refusal(fields(limits.objectKeys), 10_000)).toBeUndefined();
    expect(refusal(`[${fields(limits.objectKeys + 1)}]`, 10_000)).toContain('more than 1000 keys');
  });
});
