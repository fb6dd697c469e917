import { Fernet, FernetError } from './fernet';
import { SecretBox } from './secret-box';

const keyOf = (byte: number) => `${Buffer.alloc(32, byte).toString('base64url')}=`;
const [OLD, NEW] = [keyOf(1), keyOf(2)];
const idOf = (key: string) => new Fernet([key]).key_id;

const box = new SecretBox([NEW]);
const owner = { tenant_id: '0197-tenant', owner_id: '0197-provider' };
const refusal = new FernetError('The encrypted value cannot be opened.');

describe('sealed secrets', () => {
  it('open for their owner', () => {
    expect(box.open(owner, box.seal(owner, 'sk-"quoted"\n').ciphertext)).toBe('sk-"quoted"\n');
  });

  it('name the newest key, and open with older ones too', () => {
    const { ciphertext, key_id } = new SecretBox([OLD]).seal(owner, 'sk-canary');
    const rotated = new SecretBox([NEW, OLD]);
    expect(key_id).toBe(idOf(OLD));
    expect(rotated.open(owner, ciphertext)).toBe('sk-canary');
    expect(rotated.seal(owner, 'sk-canary').key_id).toBe(idOf(NEW));
    expect(() => box.open(owner, ciphertext)).toThrow(refusal);
  });

  it.each([
    ['another tenant', { ...owner, tenant_id: 'other' }],
    ['another owner', { ...owner, owner_id: 'other' }],
    ['the two swapped', { tenant_id: owner.owner_id, owner_id: owner.tenant_id }],
  ])('do not open for %s', (_name, other) => {
    const { ciphertext } = box.seal(owner, 'sk-canary');
    expect(() => box.open(other, ciphertext)).toThrow(refusal);
  });

  it.each([
    'sk-canary',
    '{"secret":"sk-canary"}',
    '["0197-tenant","0197-provider",1]',
    '["0197-tenant","0197-provider"]',
  ])('do not open when nothing is bound in: %s', (plaintext) => {
    expect(() => box.open(owner, new Fernet([NEW]).encrypt(plaintext))).toThrow(refusal);
  });
});

describe('keys in use', () => {
  it.each([
    ['none', []],
    ['the newest', [idOf(NEW)]],
    ['all', [idOf(OLD), idOf(NEW)]],
    ['one that was not recorded', [null]],
  ])('may be %s', (_name, key_ids) => {
    expect(() => new SecretBox([NEW, OLD]).require(key_ids, 'secrets')).not.toThrow();
  });

  it('that are missing are named in one sentence, with the way out', () => {
    expect(() => box.require([idOf(OLD), idOf(NEW), '0badc0de'], 'provider credentials')).toThrow(
      `ENCRYPTION_KEYS lacks the key ${idOf(OLD)} and 0badc0de, which stored provider credentials are still encrypted with: ` +
        'add it behind the newest key, and take it out only after "npm run admin -- secrets reencrypt".',
    );
  });
});
