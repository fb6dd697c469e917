import { redactor } from './redactor';

it.each([
  ['a key', ['sk-0123456789'], 'no sk-0123456789, sk-0123456789', 'no [secret], [secret]'],
  ['a part of one', ['Bearer 0123456789'], 'You sent 0123456789', 'You sent [secret]'],
  ['the whole before its parts', ['Bearer 0123456789'], 'You sent Bearer 0123456789.', 'You sent [secret].'],
  ['one that JSON escapes', ['"0123456789"'], '{"seen":"\\"0123456789\\""}', '{"seen":"[secret]"}'],
  ['the longer of two', ['01234567', '0123456789'], '0123456789', '[secret]'],
  ['eight characters', ['01234567'], '01234567', '[secret]'],
])('%s is not shown', (_, secrets, text, shown) => {
  expect(redactor(secrets)(text)).toBe(shown);
});

it.each([
  ['x', 'The model does not exist: x'],
  ['', 'The model does not exist'],
  ['0123456', 'No 0123456'],
  ['Basic exist', 'The Basic model does not exist'],
])('what is too short for a secret makes no holes in words: "%s"', (secret, text) => {
  expect(redactor([secret])(text)).toBe(text);
});
