import { createPrivateKey, randomUUID, sign as signBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mintApiKey } from '@taai/platform';
import { makeJwk } from '@taai/platform-testing';
import { AccessTokens, credentialOf } from './credentials';
import { FakeAuth, newKey, oldKey, sign } from './auth.testing';
import { Principals } from './principals';

const auth = new FakeAuth(8);
/** Offers a forger's keys to whoever follows a link in a token. */
const forger = createServer((_, response) => {
  calls++;
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [publicOf(own)] }));
});
let calls = 0;
const own = makeJwk('own');
const publicOf = ({ kty, crv, x, kid }: typeof own) => ({ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' });

const link = () => `http://127.0.0.1:${(forger.address() as AddressInfo).port}/jwks.json`;
const seconds = () => Math.floor(Date.now() / 1000);
const [sid, tenant_id] = [randomUUID(), randomUUID()];
const claims = { sid, tenant_id };
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

beforeAll(async () => {
  forger.listen(0, '127.0.0.1');
  await Promise.all([auth.start(), once(forger, 'listening')]);
  const rest = { user_id: randomUUID(), api_key_id: null, role: 'admin', permissions: ['*:*'], expires_at: null };
  auth.principals.set(sid, { tenant_id, session_id: sid, ...rest });
});
afterAll(async () => {
  forger.close();
  await auth.close();
});
beforeEach(() => {
  auth.keys = [oldKey, newKey];
  auth.asked = auth.askedForKeys = 0;
});

const open = () => new Principals(auth.rpc, new AccessTokens(auth.rpc), { accessGraceMs: 30_000 });

/** What a gateway that has just started makes of a request with these headers. */
const outcomeOf = async (headers: Parameters<typeof credentialOf>[0], principals = open()) => {
  try {
    const { session_id, api_key_id } = await principals.find(credentialOf(headers));
    return session_id ?? api_key_id;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

it('a token as auth signs it is let in, by one question: those below fail for their fault alone', async () => {
  expect(await outcomeOf(bearer(await sign(claims)))).toBe(sid);
  expect(await outcomeOf(bearer(await sign(claims, { key: oldKey })))).toBe(sid);
  expect(auth.asked).toBe(2);
});

type Forge = () => string | Promise<string>;

const lists: Record<string, Record<string, Forge>> = {
  'of another algorithm': {
    none: async () => `${encode({ alg: 'none' })}.${(await sign(claims)).split('.')[1]}.`,
    'none, with a signature': async () => {
      const [, payload, signature] = (await sign(claims)).split('.');
      return `${encode({ alg: 'None', kid: 'new' })}.${payload}.${signature}`;
    },
    'HS256 with the public key as its secret': () =>
      sign(claims, { key: Buffer.from(newKey.x, 'base64url'), header: { alg: 'HS256' } }),
    'HS256 with the public key, as JSON, as its secret': () =>
      sign(claims, { key: Buffer.from(JSON.stringify(publicOf(newKey))), header: { alg: 'HS256' } }),
  },
  "of a forger's key": {
    'under the id of a true one': () => sign(claims, { key: own }),
    'under its own id': () => sign(claims, { key: own, header: { kid: 'own' } }),
    'in its header': () => sign(claims, { key: own, header: { jwk: publicOf(own) } }),
    'in its header, under its own id': () => sign(claims, { key: own, header: { kid: 'own', jwk: publicOf(own) } }),
    'behind a link': () => sign(claims, { key: own, header: { kid: 'own', jku: link() } }),
    'behind a link, under the id of a true one': () => sign(claims, { key: own, header: { jku: link() } }),
    'in a certificate behind a link': () => sign(claims, { key: own, header: { kid: 'own', x5u: link() } }),
  },
  'of a true key under': Object.fromEntries(
    ['../../x', '/dev/null', "x' or '1'='1", 'n'.repeat(5000), '__proto__', '', 7, null, ['new'], undefined].map(
      (kid) => [
        `the id ${JSON.stringify(kid)?.slice(0, 40)}`,
        async () => {
          // By hand, because no signer takes some of them.
          const [, payload] = (await sign(claims)).split('.');
          return resigned({ alg: 'EdDSA', kid }, `${payload}`);
        },
      ],
    ),
  ),
  'of a true key that says': {
    'another audience': () => sign({ ...claims, aud: 'another' }),
    'no audience': () => sign({ ...claims, aud: undefined }),
    'another issuer': () => sign({ ...claims, iss: 'another' }),
    'no issuer': () => sign({ ...claims, iss: undefined }),
    'that it has expired': () => sign({ ...claims, exp: seconds() - 1 }),
    'no end': () => sign({ ...claims, exp: undefined }),
    'that it begins later': () => sign({ ...claims, nbf: seconds() + 60 }),
    'no session': () => sign({ ...claims, sid: undefined }),
    'no tenant': () => sign({ ...claims, tenant_id: undefined }),
    'no role': () => sign({ ...claims, role: undefined }),
    'no user': () => sign({ ...claims, sub: undefined }),
    'a session that is no UUID': () => sign({ ...claims, sid: "x' or '1'='1" }),
    'several sessions': () => sign({ ...claims, sid: [sid] }),
    'a tenant that is no UUID': () => sign({ ...claims, tenant_id: '*' }),
  },
  'that is': {
    'not a token': () => 'nonsense',
    'cut off': async () => (await sign(claims)).slice(0, -1),
    'without its signature': async () => (await sign(claims)).replace(/[^.]+$/, ''),
    'of somebody else, with this session in it': async () => {
      const [header, , signature] = (await sign({ sid: randomUUID(), tenant_id })).split('.');
      return `${header}.${(await sign(claims)).split('.')[1]}.${signature}`;
    },
    'in another order': async () => (await sign(claims)).split('.').reverse().join('.'),
  },
};

/** The payload under another header, with a signature by the true key. */
function resigned(header: object, payload: string): string {
  const text = `${encode(header)}.${payload}`;
  const { kty, crv, x, d } = newKey;
  const signature = signBytes(null, Buffer.from(text), createPrivateKey({ key: { kty, crv, x, d }, format: 'jwk' }));
  return `${text}.${signature.toString('base64url')}`;
}

describe.each(Object.entries(lists))('a token %s', (_, forgeries) => {
  it.each(Object.entries(forgeries))('%s is refused without a question', async (_, forge) => {
    const principals = open();
    const token = await forge();
    for (let n = 0; n < 3; n++) expect(await outcomeOf(bearer(token), principals)).toBe('unauthenticated');
    expect(auth.asked).toBe(0);
    expect(auth.askedForKeys).toBeLessThanOrEqual(2);
    expect(calls).toBe(0);
  });
});

describe('a token of a key', () => {
  it.each([
    ['whose time is over', [{ kid: 'old', exp: seconds() - 1 }, { kid: 'new' }]],
    ['that is gone', [{ kid: 'new' }]],
  ])('%s is refused without a question', async (_, keys) => {
    auth.keys = keys;
    expect(await outcomeOf(bearer(await sign(claims, { key: oldKey })))).toBe('unauthenticated');
    expect(auth.asked).toBe(0);
  });

  it('whose time is not over is let in', async () => {
    auth.keys = [{ kid: 'old', exp: seconds() + 60 }, { kid: 'new' }];
    expect(await outcomeOf(bearer(await sign(claims, { key: oldKey })))).toBe(sid);
  });
});

describe('an API key', () => {
  const { key, hash } = mintApiKey();
  const faults = [
    ['with another checksum', key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')],
    ['cut off', key.slice(0, -1)],
    ['too long', `${key}0`],
    ['of the mark alone', 'taai_live_'],
    ['of another mark', key.replace('live', 'test')],
    ['with SQL', `taai_live_'or'1'='1`],
  ] as const;

  it.each(faults)('%s is refused without a question', async (_, text) => {
    expect(await outcomeOf({ 'x-api-key': text })).toBe('unauthenticated');
    expect(await outcomeOf(bearer(text))).toBe('unauthenticated');
    expect([auth.asked, auth.askedForKeys]).toEqual([0, 0]);
  });

  it('that might be one is asked about, once', async () => {
    const principals = open();
    for (let n = 0; n < 3; n++) expect(await outcomeOf({ 'x-api-key': key }, principals)).toBe('unauthenticated');
    expect(auth.asked).toBe(1);
    const api_key_id = randomUUID();
    const rest = { user_id: randomUUID(), role: 'admin', permissions: ['*:*'], expires_at: null };
    auth.principals.set(hash, { tenant_id, session_id: null, api_key_id, ...rest });
    expect(await outcomeOf(bearer(key))).toBe(api_key_id);
  });
});
