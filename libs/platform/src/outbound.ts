import dns, { type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { ProblemError } from '@taai/contracts';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector } from 'undici';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Range = [Address, number];

// IANA assigns global unicast from here alone; the rest of IPv6 is special, or so old that it wraps IPv4 addresses.
const IPV6_GLOBAL = ipaddr.parseCIDR('2000::/3');
// Azure serves its machines' metadata from an address that looks public.
const AZURE_METADATA = '168.63.129.16';
const CONNECT_TIMEOUT_MS = 5_000;

/** Says that an address may not be called. The message is meant for the tenant and tells nothing of the network inside. */
export class OutboundRefused extends Error {
  override readonly name = 'OutboundRefused';
  readonly code = 'outbound_refused';
}

/**
 * Checks a URL that a tenant registers. Names are not looked up: what they lead to is checked at every connection by `outboundDispatcher`.
 * Throws `url_not_allowed` with what is wrong.
 *
 * @param allow CIDRs that may be called although private, e.g. `127.0.0.0/8`.
 */
export function vetUrl(url: string, allow: readonly string[]): void {
  const fault = faultOf(URL.parse(url), permits(parseRanges(allow)));
  if (fault !== undefined) throw new ProblemError('url_not_allowed', fault);
}

function faultOf(url: URL | null, permitted: (address: string) => boolean): string | undefined {
  if (!url) return 'The URL is not valid.';
  if (!/^https?:$/.test(url.protocol)) return 'The URL must start with http:// or https://.';
  if (url.username || url.password) return 'The URL must not contain a user name or password.';
  const addresses = literalAddresses(url.hostname);
  return addresses.length > 0 && !addresses.some(permitted) ? privateHost(url.hostname) : undefined;
}

/**
 * Makes an undici dispatcher for URLs from tenants. It looks a host up itself and connects only to addresses that it has vetted, so a name
 * that changes between check and connection (DNS rebinding) gains nothing. Callers refuse redirects; a redirect that is followed is vetted
 * like any other target.
 *
 * Requests fail with `OutboundRefused` (under `fetch` as the error's cause).
 */
export function outboundDispatcher(options: {
  /** CIDRs that may be called although private. */
  allow: readonly string[];
  /** Open connections per origin; further requests wait. */
  connections?: number;
  lookup?: (hostname: string) => Promise<LookupAddress[]>;
}): Agent {
  const permitted = permits(parseRanges(options.allow));
  const resolve = options.lookup ?? ((hostname) => dns.promises.lookup(hostname, { all: true }));
  const connect = buildConnector({
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    lookup: vettedLookup(async (hostname) => (await resolve(hostname)).filter(({ address }) => permitted(address))),
  });
  return new Agent({
    allowH2: false,
    connections: options.connections ?? 256,
    // Node never looks up a host that is an address already.
    connect: (target, done) => {
      if (isIP(target.hostname) !== 0 && !permitted(target.hostname)) done(refused(target.hostname), null);
      else connect(target, done);
    },
  });
}

function vettedLookup(resolve: (hostname: string) => Promise<LookupAddress[]>): LookupFunction {
  return (hostname, options, done) => {
    const answer = (addresses: LookupAddress[]): void => {
      const [first] = addresses;
      if (!first) done(refused(hostname), []);
      else if (options.all) done(null, addresses);
      else done(null, first.address, first.family);
    };
    resolve(hostname).then(answer, (error: NodeJS.ErrnoException) => done(error, []));
  };
}

/** Returns the addresses that a host stands for without a look-up; none for ordinary names. */
function literalAddresses(hostname: string): string[] {
  const host = hostname.replace(/^\[|\]$|\.$/g, '');
  if (isIP(host) !== 0) return [host];
  return host === 'localhost' || host.endsWith('.localhost') ? ['127.0.0.1', '::1'] : [];
}

function permits(allow: Range[]): (address: string) => boolean {
  return (text) => {
    const address = ipaddr.process(text);
    return allow.some((range) => address.kind() === range[0].kind() && address.match(range)) || isPublic(address);
  };
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' ? address.toString() !== AZURE_METADATA : address.match(IPV6_GLOBAL);
}

function parseRanges(cidrs: readonly string[]): Range[] {
  return cidrs.map((cidr) => {
    if (!ipaddr.isValidCIDR(cidr))
      throw new Error(`"${cidr}" is not a range of addresses such as 10.0.0.0/8 or fd00::/8.`);
    return ipaddr.parseCIDR(cidr);
  });
}

const privateHost = (host: string) =>
  `The host ${host} is, or leads to, a private or reserved address, which may not be called.`;

const refused = (host: string) => new OutboundRefused(privateHost(host));
