import { makeJwk } from '@taai/platform-testing';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { AccessTokens } from './access-token';

const claims = { sub: 'u', tenant_id: 't', role: 'admin', sid: 's' };
const expected = { issuer: 'task-assistant', audience: 'task-assistant', algorithms: ['EdDSA'] };

describe('AccessTokens', () => {
  it('signs what the gateway verifies with the published keys alone', async () => {
    const tokens = new AccessTokens([makeJwk('new'), makeJwk('old')]);
    const jwt = await tokens.sign(claims);

    const { payload } = await jwtVerify(jwt, createLocalJWKSet({ keys: tokens.published() }), expected);

    expect(payload).toMatchObject(claims);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(86_400);
  });

  it('signs with the newest key by EdDSA', async () => {
    const jwt = await new AccessTokens([makeJwk('new'), makeJwk('old')]).sign(claims);
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: 'EdDSA', typ: 'JWT', kid: 'new' });
  });

  it('keeps tokens of an older key valid', async () => {
    const [older, newer] = [makeJwk('old'), makeJwk('new')];
    const jwt = await new AccessTokens([older]).sign(claims);
    const keys = new AccessTokens([newer, older]).published();
    await expect(jwtVerify(jwt, createLocalJWKSet({ keys }), expected)).resolves.toMatchObject({ payload: claims });
  });

  it('publishes no private half', async () => {
    const [key] = new AccessTokens([makeJwk('k')]).published();
    expect(Object.keys(key ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });

  it('needs a key', () => {
    expect(() => new AccessTokens([])).toThrow('no key');
  });

  describe('in rotation', () => {
    const NOW = Math.floor(Date.now() / 1000);
    const rotation = [
      { ...makeJwk('next'), nbf: NOW + 600 },
      { ...makeJwk('present'), exp: NOW + 90_000 },
      { ...makeJwk('former'), exp: NOW + 60 },
      { ...makeJwk('gone'), exp: NOW },
    ];

    beforeEach(() =>
      jest.useFakeTimers({ now: NOW * 1000, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }),
    );
    afterEach(() => jest.useRealTimers());

    const kidOf = async (tokens: AccessTokens) => decodeProtectedHeader(await tokens.sign(claims)).kid;
    const published = (tokens: AccessTokens) => tokens.published().map(({ kid, exp }) => [kid, exp]);

    it('publishes a key before it signs, and until it expires', async () => {
      const tokens = new AccessTokens(rotation);
      expect(await kidOf(tokens)).toBe('present');
      expect(published(tokens)).toEqual([
        ['next', undefined],
        ['present', NOW + 90_000],
        ['former', NOW + 60],
      ]);

      jest.setSystemTime((NOW + 600) * 1000);
      expect(await kidOf(tokens)).toBe('next');
      expect(published(tokens)).toEqual([
        ['next', undefined],
        ['present', NOW + 90_000],
      ]);
    });

    it('publishes no private half and no beginning', () => {
      const [next] = new AccessTokens(rotation).published();
      expect(Object.keys(next ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    });

    it('does not start when no key could sign now', () => {
      expect(() => new AccessTokens([{ ...makeJwk('next'), nbf: NOW + 1 }])).toThrow('no key');
      expect(() => new AccessTokens([{ ...makeJwk('gone'), exp: NOW }])).toThrow('no key');
    });
  });
});
