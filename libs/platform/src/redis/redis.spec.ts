import { parseRedisUrl } from './redis';

describe('A Redis URL', () => {
  it.each([
    ['redis://localhost:6379/1', { kind: 'single', url: 'redis://localhost:6379/1' }],
    ['rediss://user:pass@cache.example:6380', { kind: 'single', url: 'rediss://user:pass@cache.example:6380' }],
    [
      'redis+sentinel://a:26379,b/mymaster/2',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 26379 },
        ],
        name: 'mymaster',
        credentials: {},
        db: 2,
      },
    ],
    [
      'redis+sentinel://:s%40cret@a:1/main',
      {
        kind: 'sentinel',
        sentinels: [{ host: 'a', port: 1 }],
        name: 'main',
        credentials: { password: 's@cret' },
        db: 0,
      },
    ],
    [
      'redis+cluster://app:secret@n1:7000,[::1]:7001,n3',
      {
        kind: 'cluster',
        nodes: [
          { host: 'n1', port: 7000 },
          { host: '::1', port: 7001 },
          { host: 'n3', port: 6379 },
        ],
        credentials: { username: 'app', password: 'secret' },
      },
    ],
  ])('%s', (url, target) => expect(parseRedisUrl(url)).toEqual(target));

  it.each(['', 'http://localhost', 'redis+sentinel://a:26379', 'redis+cluster://a:b', 'redis://'])(
    'refuses %p with a sentence',
    (url) => expect(() => parseRedisUrl(url)).toThrow(/Redis URL|redis\+sentinel/),
  );

  it('keeps the password out of its complaint', () => {
    expect(() => parseRedisUrl('redis+cluster://app:hunter2@a:b')).toThrow(expect.not.stringContaining('hunter2'));
  });
});
