import { networkOf } from './network';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:aaaa::1', '2001:db8:1:2::'],
  ['2001:db8:1:2:bbbb::2', '2001:db8:1:2::'],
  ['::1', '0:0:0:0::'],
  ['unix:', 'unix:'],
])('%s is a client of %s', (ip, network) => {
  expect(networkOf(ip)).toBe(network);
});
