import { changedSettings, deletionTime } from './tenant.rules';

describe('changedSettings', () => {
  it('merges at the top level, replaces below, and removes by null', () => {
    const before = { theme: { color: 'red', size: 1 }, locale: 'de', beta: true };
    const changes = { theme: { color: 'blue' }, locale: null, zone: 'UTC' };
    expect(changedSettings(before, changes)).toEqual({ theme: { color: 'blue' }, beta: true, zone: 'UTC' });
  });

  it('takes the names of built-in properties for names like any other', () => {
    const changes = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as Record<string, unknown>;
    const changed = changedSettings({}, changes);
    expect(JSON.stringify(changed)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('bounds the whole, not the change', () => {
    const before = { a: 'x'.repeat(16_000) };
    expect(() => changedSettings(before, { b: 'y'.repeat(400) })).toThrow('settings must have 16384 bytes');
    expect(changedSettings(before, { a: null, b: 'y'.repeat(16_000) })).toHaveProperty('b');
    expect(() => changedSettings({}, { emoji: '🦉'.repeat(4_100) })).toThrow('16384 bytes');
  });
});

describe('deletionTime', () => {
  const now = new Date('2026-01-01T00:00:00Z');

  it.each([
    [30, '2026-01-31T00:00:00.000Z'],
    [0.5, '2026-01-01T12:00:00.000Z'],
    [0, '2026-01-01T00:00:15.000Z'],
  ])('after %d days', (days, expected) => {
    expect(deletionTime(now, days).toISOString()).toBe(expected);
  });
});
