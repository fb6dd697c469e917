import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** `203.0.113.7`, `203.0.113.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`: as proxies write addresses. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/;

function addressOf(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const [, v6, v4] = WITH_PORT.exec(text) ?? [];
  const [address = ''] = (v6 ?? v4 ?? text).split('%');
  // isIP first, because ipaddr.js reads 010.1 as an address, too.
  return isIP(address) === 0 ? undefined : ipaddr.process(address);
}

/** Tells Fastify whose `X-Forwarded-*` headers to believe: those of addresses in `cidrs`. */
export function trusts(cidrs: readonly string[]): (address: string) => boolean {
  const ranges = cidrs.map((cidr) => ipaddr.parseCIDR(cidr));
  return (text) => {
    const address = addressOf(text);
    return address !== undefined && ranges.some((range) => address.kind() === range[0].kind() && address.match(range));
  };
}

/**
 * The client's address, in one spelling: the right-most of `X-Forwarded-For` that is no trusted proxy's. Where a trusted proxy
 * passed on what is no address, its own.
 */
export const clientIp = ({ ip, ips }: FastifyRequest): string | undefined => spelling(ip) ?? spelling(ips?.at(-2));

/** Clients come again: reading an address costs more than all that authenticates a known caller. */
const spellings = new LRUCache<string, string>({ max: 10_000 });

function spelling(text = ''): string | undefined {
  const known = spellings.get(text) ?? addressOf(text)?.toString();
  if (known !== undefined) spellings.set(text, known);
  return known;
}
