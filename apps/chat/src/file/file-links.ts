import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { parse, stringify } from 'uuid';

/** Whose file a link opens, and until when. */
export interface FileLink {
  tenant_id: string;
  file_id: string;
  /** Seconds since 1970. */
  expires: number;
}

const UUID_BYTES = 16;
const TIME_BYTES = 6;
const LINK_BYTES = 2 * UUID_BYTES + TIME_BYTES;
const MAC_BYTES = 32;

/** Links to files that need no login: all that they say is in them, under a signature that no other use of the keys makes. */
export class FileLinks {
  private readonly keys: readonly Buffer[];

  /** @param secrets of the whole fleet, the newest first: it signs, all are believed */
  constructor(secrets: readonly string[]) {
    this.keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', 'links to files', MAC_BYTES)));
  }

  /** The token of the link. */
  sign({ tenant_id, file_id, expires }: FileLink): string {
    const time = Buffer.alloc(TIME_BYTES);
    time.writeUIntBE(expires, 0, TIME_BYTES);
    const link = Buffer.concat([parse(tenant_id), parse(file_id), time]);
    const [key] = this.keys;
    if (!key) throw new Error('There is no key to sign links with.');
    return Buffer.concat([link, macOf(key, link)]).toString('base64url');
  }

  /** Undefined for what nobody has signed, and for what has expired. */
  read(token: string): FileLink | undefined {
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length !== LINK_BYTES + MAC_BYTES) return undefined;
    const [link, mac] = [bytes.subarray(0, LINK_BYTES), bytes.subarray(LINK_BYTES)];
    if (!this.keys.some((key) => timingSafeEqual(macOf(key, link), mac))) return undefined;
    const expires = link.readUIntBE(2 * UUID_BYTES, TIME_BYTES);
    if (expires * 1000 <= Date.now()) return undefined;
    return { tenant_id: stringify(link, 0), file_id: stringify(link, UUID_BYTES), expires };
  }
}

const macOf = (key: Buffer, link: Buffer): Buffer => createHmac('sha256', key).update(link).digest();
