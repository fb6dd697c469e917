import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';

// Fernet version 0x80 (https://github.com/fernet/spec): version 1 | time 8 | iv 16 | AES-128-CBC ciphertext 16n | HMAC-SHA256 32.
const VERSION = 0x80;
const TIME_AT = 1;
const IV_AT = 9;
const TEXT_AT = 25;
const MAC_BYTES = 32;
const BLOCK_BYTES = 16;
const MAX_CLOCK_SKEW_SECONDS = 60;

/** Says that a key is malformed or that a token cannot be opened, and no more: nobody learns from it why a guess failed. */
export class FernetError extends Error {
  override readonly name = 'FernetError';
}

/** As KeyObjects the bytes show neither in logs nor in JSON. */
interface Key {
  id: string;
  signing: KeyObject;
  encryption: KeyObject;
}

/**
 * Encrypts with the newest key and decrypts with any, so that keys can be rotated without a gap.
 *
 * @throws FernetError when there is no key, or one is not the base64url of 32 bytes.
 */
export class Fernet {
  private readonly keys: [newest: Key, ...older: Key[]];

  /** @param keys Newest first, each the padded base64url of 32 random bytes. */
  constructor(keys: readonly string[]) {
    const [newest, ...older] = keys.map(parseKey);
    if (!newest) throw new FernetError('There is no encryption key.');
    this.keys = [newest, ...older];
  }

  /** Id of the key that encrypts. */
  get key_id(): string {
    return this.keys[0].id;
  }

  /** Ids of the live keys, newest first: 8 hex digits each, safe to store and to log. */
  get key_ids(): string[] {
    return this.keys.map((key) => key.id);
  }

  /** @param options Only for published vectors: a fixed time and iv. An iv must never be used twice. */
  encrypt(plaintext: string, options: { now?: Date; iv?: Uint8Array } = {}): string {
    const [key] = this.keys;
    const head = Buffer.alloc(IV_AT, VERSION);
    head.writeBigUInt64BE(BigInt(seconds(options.now)), TIME_AT);
    const iv = options.iv ?? randomBytes(BLOCK_BYTES);
    const cipher = createCipheriv('aes-128-cbc', key.encryption, iv);
    const body = Buffer.concat([head, iv, cipher.update(plaintext, 'utf8'), cipher.final()]);
    return encode(Buffer.concat([body, mac(key, body)]));
  }

  /**
   * @param options `ttl_seconds`: the token's greatest age; without it a token lives for ever and its time is not looked at.
   * @throws FernetError when no live key fits, or the token is malformed, altered, too old, or from the future.
   */
  decrypt(token: string, options: { ttl_seconds?: number; now?: Date } = {}): string {
    const { body, tag } = parseToken(token);
    const key = this.keys.find((candidate) => timingSafeEqual(mac(candidate, body), tag));
    if (!key) throw refused();
    if (options.ttl_seconds !== undefined) checkAge(body, options.ttl_seconds, seconds(options.now));
    return open(key, body);
  }
}

function parseKey(text: string): Key {
  const bytes = decode(text);
  if (bytes?.length !== 32)
    throw new FernetError('An encryption key must be the base64url of 32 random bytes, 44 characters long.');
  const id = createHash('sha256').update('fernet key id').update(bytes).digest('hex').slice(0, 8);
  return { id, signing: createSecretKey(bytes.subarray(0, 16)), encryption: createSecretKey(bytes.subarray(16)) };
}

function parseToken(token: string): { body: Buffer; tag: Buffer } {
  const bytes = decode(token);
  if (!bytes || bytes[0] !== VERSION) throw refused();
  const text_bytes = bytes.length - TEXT_AT - MAC_BYTES;
  if (text_bytes < BLOCK_BYTES || text_bytes % BLOCK_BYTES !== 0) throw refused();
  return { body: bytes.subarray(0, -MAC_BYTES), tag: bytes.subarray(-MAC_BYTES) };
}

function checkAge(body: Buffer, ttl_seconds: number, now: number): void {
  const created = Number(body.readBigUInt64BE(TIME_AT));
  if (created + ttl_seconds < now || created > now + MAX_CLOCK_SKEW_SECONDS) throw refused();
}

function open(key: Key, body: Buffer): string {
  try {
    const decipher = createDecipheriv('aes-128-cbc', key.encryption, body.subarray(IV_AT, TEXT_AT));
    const plaintext = Buffer.concat([decipher.update(body.subarray(TEXT_AT)), decipher.final()]);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch {
    throw refused();
  }
}

const mac = (key: Key, body: Buffer): Buffer => createHmac('sha256', key.signing).update(body).digest();

const refused = (): FernetError => new FernetError('The encrypted value cannot be opened.');

const seconds = (time = new Date()): number => Math.floor(time.getTime() / 1000);

const encode = (bytes: Buffer): string => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '_');

/** Strict base64url: Node skips what it does not know, so only what encodes to the very same text counts. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return encode(bytes) === text ? bytes : undefined;
}
