import { runInContext } from '@taai/tenant';
import { Passwords } from './password';

const passwords = new Passwords(4);
const matches = async (stored: string, given: string) => passwords.matches(given, await passwords.hash(stored));

describe('Passwords', () => {
  it('knows the password and no other', async () => {
    await expect(matches('correct horse', 'correct horse')).resolves.toBe(true);
    await expect(matches('correct horse', 'correct horsf')).resolves.toBe(false);
  });

  it('counts bytes beyond the 72nd', async () => {
    const long = 'a'.repeat(72);
    await expect(matches(`${long}b`, `${long}c`)).resolves.toBe(false);
    await expect(matches(`${long}b`, `${long}b`)).resolves.toBe(true);
  });

  it('counts what follows a NUL', async () => {
    await expect(matches('before\0after', 'before\0other')).resolves.toBe(false);
    await expect(matches('before\0after', 'before')).resolves.toBe(false);
    await expect(matches('before\0after', 'before\0after')).resolves.toBe(true);
  });

  it('takes two spellings of a character for the same', async () => {
    await expect(matches('caf\u00e9 au lait', 'cafe\u0301 au lait')).resolves.toBe(true);
  });

  it('hashes at its cost', async () => {
    await expect(passwords.hash('correct horse')).resolves.toMatch(/^\$2y\$04\$/);
  });

  it('lets strangers of one network hold up nobody of another, however many they are', async () => {
    const ended: string[] = [];
    const hash = async (ip: string) => {
      await runInContext({ request_id: 'r', ip }, () => passwords.hash('correct horse'));
      ended.push(ip);
    };
    const crowd = Array.from({ length: 100 }, () => hash('192.0.2.1'));
    await Promise.all([...crowd, hash('192.0.2.2')]);
    expect(ended.indexOf('192.0.2.2')).toBeLessThan(20);
  });

  it('matches nothing without a stored hash', async () => {
    await expect(passwords.matches('correct horse', undefined)).resolves.toBe(false);
  });

  it('knows a hash of another cost', async () => {
    expect(new Passwords(5).isOutdated(await passwords.hash('correct horse'))).toBe(true);
    expect(passwords.isOutdated(await passwords.hash('correct horse'))).toBe(false);
  });
});
