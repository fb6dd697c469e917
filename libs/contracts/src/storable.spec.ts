import { ProblemError } from './problem';
import { assertStorable } from './storable';

const pathOf = (value: unknown): string | undefined => {
  try {
    assertStorable(value);
    return undefined;
  } catch (error) {
    return error instanceof ProblemError ? error.extras.errors?.[0]?.path : 'another error';
  }
};

describe('assertStorable', () => {
  it.each([
    ['plain values', { a: 'text', b: [1, null, true], c: { d: 'é 😀' } }, undefined],
    ['a NUL character', { a: ['x', 'y\0'] }, 'a.1'],
    ['half a surrogate pair', { metadata: { note: '\ud83d' } }, 'metadata.note'],
    ['a NUL character in a key', { metadata: { 'a\0': 1 } }, 'metadata'],
  ])('%s', (_, value, path) => {
    expect(pathOf(value)).toBe(path);
  });

  it('nesting that would exhaust a stack', () => {
    let value: unknown = 'deep';
    for (let level = 0; level < 50_000; level++) value = { a: value };
    expect(pathOf(value)).toBe(Array.from({ length: 32 }, () => 'a').join('.'));
  });
});
