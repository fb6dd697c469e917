import { assertStorable, readTimestamp } from './fields';
import { ProblemError } from './schema/problem';

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

describe('readTimestamp', () => {
  it.each([
    ['2026-04-01T10:00:00Z', '2026-04-01T10:00:00.000Z'],
    ['2026-04-01T10:00:00.123456+02:00', '2026-04-01T08:00:00.123Z'],
    ['2026-04-01t10:00z', '2026-04-01T10:00:00.000Z'],
    ['2026-04-01', '2026-04-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('reads %s', (text, utc) => {
    expect(readTimestamp('due_at', text)).toBe(utc);
  });

  it.each([
    '2026-04-01T10:00:00',
    '2026-W14-3',
    '2026-091',
    '20260401',
    '2026-13-01',
    '2026-04-01T10:00:00+99:00',
    '0000-01-01',
    '0001-01-01T00:00:00+10:00',
    '9999-12-31T23:59:59-10:00',
  ])('refuses %s', (text) => {
    expect(() => readTimestamp('due_at', text)).toThrow(
      expect.objectContaining({
        code: 'validation_failed',
        extras: { errors: [expect.objectContaining({ path: 'due_at' })] },
      }),
    );
  });
});
