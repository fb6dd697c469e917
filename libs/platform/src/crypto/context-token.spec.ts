import { generateKeyPairSync } from 'node:crypto';
import type { ServiceName } from '@taai/contracts';
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT, UnsecuredJWT } from 'jose';
import type { Jwk } from '../config/variables';
import { ContextTokens } from './context-token';

const makeJwk = (kid: string): Jwk => {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { kty: 'OKP', crv: 'Ed25519', x, d, kid };
};

describe('Context tokens', () => {
  const keys = { gateway: makeJwk('gateway'), chat: makeJwk('chat') };
  const jwks = Object.values(keys).map(({ d: _private, ...jwk }) => jwk);
  const of = (service: 'gateway' | 'chat', privateJwk = keys[service]) =>
    new ContextTokens({ service, privateJwk, jwks });
  const caller = { tenant_id: 't', user_id: 'u', session_id: 's', role: 'member', permissions: ['tasks:read'] };
  const claims = { iss: 'gateway', aud: 'taai-fleet', caller };

  const sign = async (
    payload: Record<string, unknown>,
    { key = keys.gateway, kid = 'gateway', expires = '60s' } = {},
  ) =>
    new SignJWT(payload)
      .setProtectedHeader({ alg: 'EdDSA', kid })
      .setExpirationTime(expires)
      .sign(await importJWK(key, 'EdDSA'));

  const verify = (token: string) => of('chat').verify(token);
  const refused = { code: 'unauthenticated' };

  afterEach(() => jest.useRealTimers());

  it('name the caller, and who vouches for it', async () => {
    expect(await verify(await of('gateway').mint(caller))).toEqual({ ...caller, issuer: 'gateway' });
    expect(await of('gateway').verify(await of('chat').mint(caller))).toEqual({ ...caller, issuer: 'chat' });
  });

  it('live for 60 s, signed by Ed25519, for the fleet; a service says on whose behalf it works', async () => {
    const [request, work] = [await of('gateway').mint(caller), await of('chat').mint(caller)];
    const { iat = 0, exp } = decodeJwt(request);
    expect(decodeProtectedHeader(request)).toEqual({ alg: 'EdDSA', kid: 'gateway' });
    expect(decodeJwt(request)).toMatchObject(claims);
    expect(exp).toBe(iat + 60);
    expect(decodeJwt(work)).toMatchObject({ iss: 'chat', on_behalf_of: caller });
  });

  it('are minted once per caller for 45 s, and anew when anything about the caller changes', async () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    const tokens = of('gateway');
    expect(tokens.cachedToken(caller)).toBeUndefined();
    const [first, same] = await Promise.all([tokens.mint(caller), tokens.mint({ ...caller })]);
    expect(same).toBe(first);
    expect(tokens.cachedToken(caller)).toBe(first);
    expect(await tokens.mint({ ...caller, permissions: [] })).not.toBe(first);
    jest.setSystemTime(Date.now() + 45_000);
    expect(tokens.cachedToken(caller)).toBeUndefined();
    const later = await tokens.mint(caller);
    expect(later).not.toBe(first);
    expect(tokens.cachedToken(caller)).toBe(later);
  });

  it('are refused when they have expired, known before or not', async () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    const tokens = of('chat');
    const token = await of('gateway').mint(caller);
    await tokens.verify(token);
    jest.setSystemTime(Date.now() + 66_000);
    await expect(tokens.verify(token)).rejects.toMatchObject(refused);
    await expect(verify(token)).rejects.toMatchObject(refused);
    expect(() => tokens.cachedCaller(token)).toThrow('expired');
  });

  it.each([
    ['rubbish', async () => 'no token'],
    ['without a signature', async () => new UnsecuredJWT(claims).setExpirationTime('60s').encode()],
    ['by a key that is not the fleet’s', () => sign(claims, { key: makeJwk('gateway') })],
    ['by an unknown service', () => sign({ ...claims, iss: 'mallory' }, { kid: 'mallory' })],
    ['in the name of another service', () => sign({ ...claims, iss: 'chat', on_behalf_of: caller })],
    ['for another audience', () => sign({ ...claims, aud: 'elsewhere' })],
    ['without an expiry in reach', () => sign(claims, { expires: '-10s' })],
    ['without a caller', () => sign({ iss: 'gateway', aud: 'taai-fleet' })],
    ['with a caller of the wrong shape', () => sign({ ...claims, caller: { tenant_id: 't', permissions: 'all' } })],
    ['by the gateway on behalf of someone', () => sign({ iss: 'gateway', aud: 'taai-fleet', on_behalf_of: caller })],
  ])('are refused %s', async (_what, forge) => {
    await expect(verify(await forge())).rejects.toMatchObject(refused);
  });

  it('are refused with HS256 and the public key as the secret', async () => {
    const secret = new TextEncoder().encode(keys.gateway.x);
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'gateway' })
      .setExpirationTime('60s')
      .sign(secret);
    await expect(verify(token)).rejects.toMatchObject(refused);
  });

  it('cannot be minted for another service than the key’s', async () => {
    const impostor = new ContextTokens({ service: 'gateway' satisfies ServiceName, privateJwk: keys.chat, jwks });
    await expect(verify(await impostor.mint(caller))).rejects.toMatchObject(refused);
  });
});
