import { createHash } from 'node:crypto';
import { hashOfApiKey, looksLikeApiKey, mintApiKey } from './api-key';

// By another implementation (Python's zlib.crc32), so that neither the alphabet nor the polynomial drifts.
const KNOWN = 'taai_live_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3QzR3l';

describe('mintApiKey', () => {
  it('makes keys that are known by their shape, their first characters and their hash', () => {
    const { key, prefix, hash } = mintApiKey();
    expect(key).toMatch(/^taai_live_[0-9A-Za-z]{49}$/);
    expect(prefix).toBe(key.slice(0, 14));
    expect(hash).toBe(createHash('sha256').update(key).digest('hex'));
    expect(hashOfApiKey(key)).toBe(hash);
    expect(looksLikeApiKey(key)).toBe(true);
  });

  it('draws each of the 62 digits as often as any other', () => {
    const counts = new Map<string, number>();
    const keys = 2000;
    for (let n = 0; n < keys; n++) {
      for (const digit of mintApiKey().key.slice(10, 53)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    }
    expect(counts.size).toBe(62);
    const expected = (keys * 43) / 62;
    const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 61 degrees of freedom: beyond 160 once in 10^10 runs; a byte modulo 62 would give some 600.
    expect(chiSquared).toBeLessThan(160);
  });
});

describe('hashOfApiKey', () => {
  it('knows a key of another implementation', () => {
    expect(hashOfApiKey(KNOWN)).toBe(createHash('sha256').update(KNOWN).digest('hex'));
  });

  it('refuses every key with one character changed', () => {
    for (let at = 0; at < KNOWN.length; at++) {
      const other = KNOWN[at] === 'x' ? 'y' : 'x';
      expect(hashOfApiKey(KNOWN.slice(0, at) + other + KNOWN.slice(at + 1))).toBeUndefined();
    }
  });

  it.each([
    ['nothing', ''],
    ['the mark alone', 'taai_live_'],
    ['one digit less', KNOWN.slice(0, -1)],
    ['one digit more', `${KNOWN}0`],
    ['a line break behind', `${KNOWN}\n`],
    ['a blank before', ` ${KNOWN}`],
    ['another mark', KNOWN.replace('live', 'test')],
    ['capitals', KNOWN.toUpperCase()],
    ['SQL', `taai_live_' or 1=1 --${'0'.repeat(38)}`],
    ['a digit of another script', `${KNOWN.slice(0, -1)}٣`],
  ])('refuses %s', (_, text) => {
    expect(hashOfApiKey(text)).toBeUndefined();
  });
});

describe('looksLikeApiKey', () => {
  it.each([
    ['taai_live_', true],
    ['taai_test_x', true],
    ['eyJhbGciOiJFZERTQSJ9.e30.x', false],
    ['', false],
  ])('%j: %s', (text, expected) => {
    expect(looksLikeApiKey(text)).toBe(expected);
  });
});
