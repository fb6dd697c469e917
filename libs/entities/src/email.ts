import { domainToASCII } from 'node:url';

/**
 * Returns the one spelling under which an address is stored, looked up and mailed to: Unicode in its composed form, lower case, without
 * characters that nobody sees, and the domain as DNS has it, so that `Ada@Exämple.com.` is `ada@xn--exmple-cua.com`. A domain that is
 * none is only put into lower case.
 */
export function canonicalEmail(address: string): string {
  const visible = address.replace(/\p{Cf}/gu, '').trim();
  const text = visible.normalize('NFC').toLowerCase().normalize('NFC');
  const at = text.lastIndexOf('@');
  const domain = text.slice(at + 1);
  return text.slice(0, at + 1) + (domainToASCII(domain) || domain).replace(/\.+$/, '');
}
