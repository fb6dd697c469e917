import { currentContext } from '@taai/tenant';
import ipaddr from 'ipaddr.js';

const SUBNET_PARTS = 4;

/** Returns what counts as one client: an IPv4 address, or the /64 that an IPv6 client picks its addresses from. */
export function networkOf(ip: string): string {
  if (!ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  return address instanceof ipaddr.IPv6 ? `${hexParts(address).join(':')}::` : address.toString();
}

const hexParts = ({ parts }: ipaddr.IPv6) => parts.slice(0, SUBNET_PARTS).map((part) => part.toString(16));

/** Returns who pays for what is done: the caller's tenant; of a stranger, who has none, the network. Undefined for work that no client asked for. */
export const currentPayer = (): string | undefined => currentContext()?.caller?.tenant_id ?? currentNetwork();

/** Returns the client's network; undefined for work that no client asked for. */
export function currentNetwork(): string | undefined {
  const ip = currentContext()?.ip;
  return ip === undefined ? undefined : networkOf(ip);
}
