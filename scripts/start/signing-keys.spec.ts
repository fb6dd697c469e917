import { makeJwk } from './keys.ts';
import { parseSigningKeys, rotateSigningKeys } from './signing-keys.ts';

const NOW = 1_800_000_000;
const MINUTE = 60;
const DAY = 24 * 3600;

describe('rotateSigningKeys', () => {
  it('puts a fresh key in front that signs in ten minutes, and lets the former one expire a day and five minutes later', () => {
    const former = makeJwk('former');

    const [fresh, ...others] = rotateSigningKeys([former], NOW);

    expect(fresh).toMatchObject({ kty: 'OKP', crv: 'Ed25519', nbf: NOW + 10 * MINUTE });
    expect(fresh).not.toHaveProperty('exp');
    expect(others).toEqual([{ ...former, exp: NOW + 15 * MINUTE + DAY }]);
    expect(fresh?.kid).not.toBe('former');
  });

  it('leaves the end of older keys as it is, and drops those that have expired', () => {
    const keys = [makeJwk('former'), { ...makeJwk('older'), exp: NOW + 1 }, { ...makeJwk('gone'), exp: NOW }];

    const rotated = rotateSigningKeys(keys, NOW);

    expect(rotated.map(({ kid, exp }) => [kid, exp])).toEqual([
      [rotated[0]?.kid, undefined],
      ['former', NOW + 15 * MINUTE + DAY],
      ['older', NOW + 1],
    ]);
  });

  it('can be done again before the fresh key signs', () => {
    const once = rotateSigningKeys([makeJwk('former')], NOW);

    const twice = rotateSigningKeys(once, NOW + MINUTE);

    expect(twice.map(({ nbf, exp }) => [nbf, exp])).toEqual([
      [NOW + 11 * MINUTE, undefined],
      [NOW + 10 * MINUTE, NOW + 16 * MINUTE + DAY],
      [undefined, NOW + 15 * MINUTE + DAY],
    ]);
  });
});

describe('parseSigningKeys', () => {
  it('reads what is printed', () => {
    const keys = rotateSigningKeys([makeJwk('former')], NOW);
    expect(parseSigningKeys(JSON.stringify({ keys }))).toEqual(keys);
  });

  const key = makeJwk('k');
  it.each([
    [undefined],
    [''],
    ['null'],
    ['{}'],
    ['{"keys":[]}'],
    ['{"keys":[null]}'],
    [JSON.stringify({ keys: [{ ...key, d: undefined }] })],
    [JSON.stringify({ keys: [{ ...key, exp: 'tomorrow' }] })],
  ])('refuses %.20s', (text) => {
    expect(() => parseSigningKeys(text)).toThrow('AUTH_PRIVATE_JWKS must hold');
  });
});
