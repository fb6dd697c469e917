import { ProblemError } from '@taai/contracts';
import { credentialOf } from './credentials';

const KEY = 'taai_live_0000000000000000000000000000000000000000000';

const kindOf = (headers: Parameters<typeof credentialOf>[0]) => {
  try {
    return credentialOf(headers).kind;
  } catch (error) {
    return error instanceof ProblemError ? error.code : error;
  }
};

describe('the credential of a request', () => {
  it.each([
    ['a token', { authorization: 'Bearer a.b.c' }, 'token'],
    ['a scheme in any case', { authorization: 'bearer a.b.c' }, 'token'],
    ['none', {}, 'unauthenticated'],
    ['an empty one', { authorization: '' }, 'unauthenticated'],
    ['another scheme', { authorization: 'Basic YTpi' }, 'unauthenticated'],
    ['two tokens', { authorization: 'Bearer a.b.c d.e.f' }, 'unauthenticated'],
    ['a token as API key', { 'x-api-key': 'a.b.c' }, 'unauthenticated'],
    ['a key without checksum', { 'x-api-key': KEY }, 'unauthenticated'],
    ['a key with a wrong checksum', { authorization: `Bearer ${KEY}000000` }, 'unauthenticated'],
    ['both', { authorization: 'Bearer a.b.c', 'x-api-key': KEY }, 'unauthenticated'],
    ['an injection', { authorization: `Bearer ' or 1=1 --` }, 'unauthenticated'],
  ])('%s', (_, headers, expected) => {
    expect(kindOf(headers)).toBe(expected);
  });
});
