import { inspect } from 'node:util';
import { Fernet, FernetError } from './fernet';
import generate from './fernet-vectors/generate.json';
import invalid from './fernet-vectors/invalid.json';
import verify from './fernet-vectors/verify.json';

const OLD = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=';
const NEW = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64url') + '=';

describe('published vectors', () => {
  it.each(generate)('generates $src', ({ token, now, iv, src, secret }) => {
    expect(new Fernet([secret]).encrypt(src, { now: new Date(now), iv: Uint8Array.from(iv) })).toBe(token);
  });

  it.each(verify)('verifies $src', ({ token, now, ttl_sec, src, secret }) => {
    expect(new Fernet([secret]).decrypt(token, { now: new Date(now), ttl_seconds: ttl_sec })).toBe(src);
  });

  it.each(invalid)('rejects: $desc', ({ token, now, ttl_sec, secret }) => {
    const open = () => new Fernet([secret]).decrypt(token, { now: new Date(now), ttl_seconds: ttl_sec });
    expect(open).toThrow(FernetError);
    expect(open).toThrow('The encrypted value cannot be opened.');
  });
});

describe('Fernet', () => {
  it.each(['', 'a', 'sixteen bytes!!!', 'ключ 🔑', '\u{feff}with a mark', 'x'.repeat(100_000)])(
    'opens what it sealed',
    (text) => {
      const fernet = new Fernet([NEW]);
      expect(fernet.decrypt(fernet.encrypt(text))).toBe(text);
    },
  );

  it('never makes the same token twice', () => {
    const fernet = new Fernet([NEW]);
    expect(fernet.encrypt('same')).not.toBe(fernet.encrypt('same'));
  });

  it('encrypts with the newest key and decrypts with any', () => {
    const before = new Fernet([OLD]).encrypt('kept');
    const rotated = new Fernet([NEW, OLD]);
    expect(rotated.decrypt(before)).toBe('kept');
    expect(new Fernet([NEW]).decrypt(rotated.encrypt('fresh'))).toBe('fresh');
    expect(() => new Fernet([NEW]).decrypt(before)).toThrow(FernetError);
  });

  it('names its keys without telling them', () => {
    const fernet = new Fernet([NEW, OLD]);
    expect(fernet.key_ids).toEqual([...new Fernet([NEW]).key_ids, ...new Fernet([OLD]).key_ids]);
    expect(new Set(fernet.key_ids).size).toBe(2);
    expect(fernet.key_ids.every((id) => /^[0-9a-f]{8}$/.test(id))).toBe(true);
    expect(inspect(fernet, { depth: 5, showHidden: true }) + JSON.stringify(fernet)).not.toMatch(/Buffer|cw_0|MDEy/);
  });

  it.each([
    ['no key', []],
    ['an empty key', ['']],
    ['a short key', ['c2hvcnQ=']],
    ['a key without padding', [OLD.slice(0, -1)]],
    ['a key in the other base64', [OLD.replaceAll('_', '/').replaceAll('-', '+')]],
    ['one bad key among good ones', [NEW, 'bad key']],
  ])('refuses %s without quoting it', (_name, keys) => {
    expect(() => new Fernet(keys)).toThrow(/^(There is no encryption key\.|An encryption key must be [^']*)$/);
  });

  it('rejects every other spelling of a good token', () => {
    const fernet = new Fernet([NEW]);
    const token = fernet.encrypt('12345678');
    const spellings = [
      token.replace(/=+$/, ''),
      `${token}=`,
      ` ${token}`,
      `${token}\n`,
      `${token.slice(0, 8)}\n${token.slice(8)}`,
      token.replace(
        /(.)(=*)$/,
        (_all, last: string, padding: string) => String.fromCharCode(last.charCodeAt(0) + 1) + padding,
      ),
      Buffer.from(token, 'base64url').toString('hex'),
      '',
    ];
    for (const spelling of spellings) expect(() => fernet.decrypt(spelling)).toThrow(FernetError);
  });

  it('rejects a token with any one bit turned', () => {
    const fernet = new Fernet([NEW]);
    const bytes = Buffer.from(fernet.encrypt('secret'), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const turned = Buffer.from(bytes);
      turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const token = turned.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
      expect(() => fernet.decrypt(token)).toThrow(FernetError);
    }
  });

  it('looks at the time only when a greatest age is given', () => {
    const fernet = new Fernet([NEW]);
    const created = new Date('2026-01-01T00:00:00Z');
    const at = (offset: number) => new Date(created.getTime() + offset * 1000);
    const token = fernet.encrypt('old', { now: created });
    expect(fernet.decrypt(token, { now: at(1e9) })).toBe('old');
    expect(fernet.decrypt(token, { now: at(60), ttl_seconds: 60 })).toBe('old');
    expect(() => fernet.decrypt(token, { now: at(61), ttl_seconds: 60 })).toThrow(FernetError);
    expect(fernet.decrypt(token, { now: at(-60), ttl_seconds: 60 })).toBe('old');
    expect(() => fernet.decrypt(token, { now: at(-61), ttl_seconds: 60 })).toThrow(FernetError);
  });
});
