import { readTimestamp } from './timestamp';

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
