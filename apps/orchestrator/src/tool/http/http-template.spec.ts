import { argumentsIn, fillBody, fillHeaders, fillUrl, urlProblem } from './http-template';
import { failure } from '../tool.testing';

const HOSTILE = [
  '../../admin',
  '..',
  '.',
  '%2e%2e',
  '@evil.test',
  '?admin=1',
  '#x',
  'a/b',
  'a\\b',
  'a b',
  'ü☃',
  '\'";--',
  'a\r\nX: y',
];

describe('a URL template', () => {
  it.each([
    ['https://{{host}}/x', 'path and in its query values alone'],
    ['https://api.{{host}}/x', 'path and in its query values alone'],
    ['https://example.com:{{port}}/x', 'path and in its query values alone'],
    ['{{url}}', 'path and in its query values alone'],
    ['{{scheme}}://example.com/', 'path and in its query values alone'],
    ['https://{{user}}@example.com/', 'path and in its query values alone'],
    ['https://example.com{{rest}}', 'path and in its query values alone'],
    ['https://example.com\\@evil.test/{{x}}', 'without fragment, blanks'],
    ['https://example.com/#{{x}}', 'without fragment'],
    ['https://example.com/{x}', 'single braces'],
    ['https://example.com/{{x y}}', 'blanks'],
    ['https://example.com/\n{{x}}', 'blanks'],
    ['https://example.com/a/../{{x}}', 'must not have . or ..'],
    ['https://example.com/a/%2E%2e/b', 'must not have . or ..'],
    ['https://example.com/?{{name}}=1', 'not in their names'],
    ['https://example.com/?a=1&{{name}}', 'not in their names'],
  ])('%j is refused', (url, reason) => {
    expect(urlProblem(url)).toContain(reason);
  });

  it.each(['https://example.com', 'https://example.com/users/{{id}}/x-{{y}}?q={{q}}&p=1', 'http://[::1]:80/{{ id }}'])(
    '%s is taken',
    (url) => expect(urlProblem(url)).toBeUndefined(),
  );

  const at = (
    args: object,
    url = 'https://example.com/users/{{id}}/posts?first=1&q={{q}}',
    query?: Record<string, string>,
  ) => fillUrl({ url, ...(query && { query }) }, { ...args }).href;

  it('is filled in, percent-encoded, without what was not given', () => {
    expect(at({ id: 7, q: 'a&b=c d' })).toBe('https://example.com/users/7/posts?first=1&q=a%26b%3Dc%20d');
    expect(at({ id: true })).toBe('https://example.com/users/true/posts?first=1');
    expect(at({ id: 'x', q: null, n: 5 }, undefined, { 'page size': '{{n}}', sort: 'by {{n}}', z: '{{z}}' })).toBe(
      'https://example.com/users/x/posts?first=1&page%20size=5&sort=by%205',
    );
  });

  it.each(HOSTILE)('cannot be led elsewhere by %j', (id) => {
    const url = () => new URL(at({ id, q: id }, undefined, { extra: '{{q}}' }));
    if (['.', '..'].includes(id)) return expect(url).toThrow(failure('invalid_arguments') as Error);
    const { origin, pathname, searchParams, hash } = url();
    expect(origin + hash).toBe('https://example.com');
    expect(pathname.split('/')).toEqual(['', 'users', encodeURIComponent(id), 'posts']);
    expect([...searchParams]).toEqual([
      ['first', '1'],
      ['q', id],
      ['extra', id],
    ]);
  });

  it.each([
    ['https://example.com/a/.{{x}}/b', '.'],
    ['https://example.com/{{x}}{{x}}', '.'],
    ['https://example.com/a/%2e{{x}}', '.'],
  ])('%s makes no dots of %j', (url, x) => {
    expect(() => at({ x }, url)).toThrow(
      failure('invalid_arguments', expect.stringContaining('another path')) as Error,
    );
  });

  it.each([[undefined], [''], [null], [['a']], [{ toString: 'x' }]])('cannot have %j in its path', (id) => {
    expect(() => at({ id })).toThrow(failure('invalid_arguments') as Error);
  });

  it('knows no arguments that every object inherits', () => {
    expect(() => at({}, 'https://example.com/{{constructor}}')).toThrow(failure('invalid_arguments') as Error);
  });
});

describe('headers', () => {
  it('are filled in, without what was not given', () => {
    const headers = { 'x-user': '{{user}}', 'x-note': 'by {{user}}, {{count}}', 'x-none': '{{none}}' };
    expect(fillHeaders(headers, { user: 'ada', count: 2 })).toEqual({ 'x-user': 'ada', 'x-note': 'by ada, 2' });
  });

  it.each(['a\r\nx-admin: 1', 'a\nb', 'a\0', 'ü', '\u2028'])('cannot be made of %j', (user) => {
    expect(() => fillHeaders({ 'x-user': '{{user}}' }, { user })).toThrow(failure('invalid_arguments') as Error);
  });
});

describe('a body', () => {
  it('has arguments as they are, of whatever type, and in texts', () => {
    const template = { a: '{{list}}', b: ['{{n}}', '{{none}}'], c: { d: 'n is {{n}}', e: '{{none}}' }, f: true };
    const args = { list: [1, { x: null }], n: 4 };
    expect(JSON.parse(JSON.stringify(fillBody(template, args)))).toEqual({
      a: args.list,
      b: [4, null],
      c: { d: 'n is 4' },
      f: true,
    });
    expect(fillBody('{{list}}', args)).toEqual(args.list);
    expect(fillBody('{{none}}', args)).toBeUndefined();
  });

  it.each(HOSTILE)('stays JSON with %j in it', (x) => {
    const sent = JSON.stringify(fillBody({ text: 'so: {{x}}', admin: false }, { x }));
    expect(JSON.parse(sent)).toEqual({ text: `so: ${x}`, admin: false });
  });

  it('does not fill in what an argument brings along', () => {
    expect(fillBody({ a: '{{x}} {{y}}' }, { x: '{{y}}', y: 'secret' })).toEqual({ a: '{{y}} secret' });
  });
});

it('finds the arguments of a template', () => {
  expect(argumentsIn({ a: '{{x}}', b: ['{{ y }}', { c: 'z {{x}}' }], d: '{{not one}}' })).toEqual(['x', 'y']);
});
