import { isIP } from 'node:net';
import { itemsOf } from '@taai/platform';
import ipaddr from 'ipaddr.js';

/** `https://app.example.com, …`: origins exactly as browsers send them. Throws on anything else, `*` above all. */
export function parseOrigins(text: string): readonly string[] {
  return itemsOf(text).map((item) => {
    if (item.includes('*')) throw new Error('must name every origin: a * would open the API to pages of anybody');
    const url = URL.canParse(item) ? new URL(item) : undefined;
    if (!url || !/^https?:$/.test(url.protocol) || url.origin !== item)
      throw new Error(`must list origins such as https://app.example.com, without a path: ${item} is none`);
    return item;
  });
}

const networks = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['linklocal', ['169.254.0.0/16', 'fe80::/10']],
  ['uniquelocal', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
]);

/**
 * `10.0.0.0/8, fd00::1, loopback, …` as CIDRs; nothing or `false` is nobody. Throws on `true` and on numbers of hops: whom to
 * believe must not depend on what the sender wrote.
 */
export function parseProxies(text: string): readonly string[] {
  if (text.trim() === 'false') return [];
  return itemsOf(text).flatMap((item) => networks.get(item) ?? [rangeOf(item)]);
}

function rangeOf(item: string): string {
  const [address = '', prefix, ...rest] = item.split('/');
  const kind = isIP(address);
  const length = kind === 4 ? 32 : 128;
  const bits = prefix === undefined ? length : Number(/^\d{1,3}$/.test(prefix) ? prefix : NaN);
  if (kind === 0 || rest.length > 0 || !(bits >= 1 && bits <= length) || ipaddr.parse(address).range() === 'ipv4Mapped')
    throw new Error(
      `must list the addresses of proxies, such as 10.0.0.0/8 or loopback: ${item} is none, and to believe everybody would let any client choose its IP address`,
    );
  return `${address}/${bits}`;
}
