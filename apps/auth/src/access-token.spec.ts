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
});
