import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadKeys, makeKeys } from './keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'keys-'));
const file = join(folder, 'data', 'keys.json');
afterAll(() => rmSync(folder, { recursive: true }));

it('makes keys once, and keeps them from others', async () => {
  const made = await loadKeys(file);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await loadKeys(file)).toEqual(made);
});

it('adds what an earlier release did not know, once, and keeps the rest', async () => {
  const { rpc, passwords, ...keys } = makeKeys();
  const { superuser, migrator } = passwords;
  const earlier = { ...keys, passwords: { superuser, migrator, runtime: 'of the one role of all services' } };
  writeFileSync(file, JSON.stringify(earlier));
  const completed = await loadKeys(file);
  expect(completed).toMatchObject(earlier);
  expect(completed.rpc).toHaveLength(rpc.length);
  expect(Object.keys(completed.passwords)).toEqual([...Object.keys(passwords), 'runtime']);
  expect(new Set(Object.values(completed.passwords)).size).toBe(9);
  expect(await loadKeys(file)).toEqual(completed);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

it('makes a key for each service, a signing key and a Fernet key, all different', () => {
  const { context, signing, encryption } = makeKeys();
  expect(context.map(({ kid }) => kid)).toEqual([
    'gateway',
    'auth',
    'task',
    'chat',
    'orchestrator',
    'usage',
    'webhook',
  ]);
  expect(new Set([...context, signing].map(({ d }) => d)).size).toBe(8);
  for (const key of [...context, signing]) {
    expect(createPrivateKey({ key: { ...key }, format: 'jwk' }).asymmetricKeyType).toBe('ed25519');
  }
  expect(encryption).toMatch(/^[\w-]{43}=$/);
  expect(Buffer.from(encryption, 'base64url')).toHaveLength(32);
});

it.each(['', 'null', '{}', '{"context":[]}', JSON.stringify({ ...makeKeys(), context: [] })])(
  'says so when the file is damaged: %.20s',
  async (text) => {
    writeFileSync(file, text);
    await expect(loadKeys(file)).rejects.toThrow(`${file} is damaged`);
  },
);
