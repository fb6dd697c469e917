import { canonicalEmail } from './email';

describe('canonicalEmail', () => {
  it.each([
    ['Ada@Example.COM', 'ada@example.com'],
    [' \tada@example.com\n', 'ada@example.com'],
    ['ada@example.com.', 'ada@example.com'],
    ['ada@example.com..', 'ada@example.com'],
    ['ada@exämple.com', 'ada@xn--exmple-cua.com'],
    ['ada@EXÄMPLE.com', 'ada@xn--exmple-cua.com'],
    ['ada@exa\u0308mple.com', 'ada@xn--exmple-cua.com'],
    ['ada@XN--Exmple-CUA.com', 'ada@xn--exmple-cua.com'],
    ['ada@ｅｘample。com。', 'ada@example.com'],
    ['ada@ex\u200bample.com', 'ada@example.com'],
    ['Zoe\u0308@example.com', 'zo\u00eb@example.com'],
    ['ZO\u00cb@example.com', 'zo\u00eb@example.com'],
    ['a\u200bd\u00ada@example.com\ufeff', 'ada@example.com'],
    ['"a@b"@Example.com', '"a@b"@example.com'],
    ['a@not a domain', 'a@not a domain'],
    ['Ada', 'ada'],
    ['', ''],
  ])('of %j is %j, and its own', (address, canonical) => {
    expect(canonicalEmail(address)).toBe(canonical);
    expect(canonicalEmail(canonical)).toBe(canonical);
  });
});
