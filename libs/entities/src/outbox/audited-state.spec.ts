import { auditedState } from './audited-state';

const secret = 'sk-canary';

it.each([
  'password',
  'password_hash',
  'apiKey',
  'api_key',
  'client_secret',
  'refresh_token',
  'ciphertext',
  'Authorization',
  'set-cookie',
  'credentials',
  'privateKey',
])('drops %s, at any depth and of any type', (key) => {
  const state = { name: 'x', [key]: secret, deep: [{ [key]: { value: secret } }, { [key]: [secret], rest: 1 }] };
  expect(auditedState(state)).toEqual({ name: 'x', deep: [{}, { rest: 1 }] });
});

it('keeps what only sounds like one', () => {
  const state = { has_credentials: true, max_output_tokens: 5, token: null, monkey: 'yes', secret_header_names: ['a'] };
  expect(auditedState(state)).toEqual(state);
});

it.each([
  ['https://user:sk-canary@example.com/in', 'https://example.com/in'],
  ['https://example.com/in?key=sk-canary#sk-canary', 'https://example.com/in'],
  ['HTTPS://EXAMPLE.COM:8443/v1', 'https://example.com:8443/v1'],
  ['https://[', 'https://['],
  ['https://example.com/?q is text', 'https://example.com/?q is text'],
])('of the address %s tells %s', (url, told) => {
  expect(auditedState({ urls: [url] })).toEqual({ urls: [told] });
});

it('cuts long texts, whole characters at a time, and notes what is too large', () => {
  const { text } = auditedState({ text: `${'x'.repeat(3998)}😀😀` });
  expect(text).toBe(`${'x'.repeat(3998)}…`);
  expect(auditedState({ list: Array.from({ length: 5000 }, () => 'text') })).toEqual({
    note: 'Left out: 35010 bytes.',
  });
});

it('says of dates what JSON does', () => {
  expect(auditedState({ at: new Date(0), none: undefined })).toEqual({ at: '1970-01-01T00:00:00.000Z' });
});

it('changes nothing the second time', () => {
  const once = auditedState({ text: 'x'.repeat(9000), url: 'https://a:b@example.com/?c', list: [{ secret }] });
  expect(auditedState(once)).toEqual(once);
});
