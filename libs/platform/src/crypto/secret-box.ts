import { Fernet, FernetError } from './fernet';

/** Whose secret it is. It is encrypted with the secret, so that a ciphertext moved to another row does not open there. */
export interface SecretOwner {
  tenant_id: string;
  owner_id: string;
}

/** A secret as it is stored. */
export interface SealedSecret {
  /** A Fernet token. */
  ciphertext: string;
  /** Of the key that opens it. */
  key_id: string;
}

/** Encrypts tenants' secrets at rest with the newest key, and decrypts them with any key, for their owner alone. */
export class SecretBox {
  private readonly fernet: Fernet;

  /**
   * @param keys Fernet keys, newest first.
   * @throws FernetError when there is none, or one is no key.
   */
  constructor(keys: readonly string[]) {
    this.fernet = new Fernet(keys);
  }

  /** Id of the key that encrypts, the newest. */
  get key_id(): string {
    return this.fernet.key_id;
  }

  seal({ tenant_id, owner_id }: SecretOwner, secret: string): SealedSecret {
    return { ciphertext: this.fernet.encrypt(JSON.stringify([tenant_id, owner_id, secret])), key_id: this.key_id };
  }

  /** @throws FernetError when no key opens it, or it was sealed for another owner. */
  open(owner: SecretOwner, ciphertext: string): string {
    const [tenant_id, owner_id, secret] = parseStrings(this.fernet.decrypt(ciphertext));
    if (tenant_id !== owner.tenant_id || owner_id !== owner.owner_id || secret === undefined) throw refused();
    return secret;
  }

  /**
   * Asserts that the keys of stored secrets are configured.
   *
   * @param key_ids Keys that encrypt stored secrets; null where none was recorded.
   * @param what Names the secrets in the error.
   * @throws Error, one sentence, when a key is missing.
   */
  require(key_ids: readonly (string | null)[], what: string): void {
    const missing = key_ids.filter((key_id) => key_id !== null && !this.fernet.key_ids.includes(key_id));
    if (missing.length === 0) return;
    throw new Error(
      `ENCRYPTION_KEYS lacks the key ${missing.join(' and ')}, which stored ${what} are still encrypted with: ` +
        'add it behind the newest key, and take it out only after "npm run admin -- secrets reencrypt".',
    );
  }
}

function parseStrings(json: string): string[] {
  try {
    const value: unknown = JSON.parse(json);
    if (Array.isArray(value) && value.every((part) => typeof part === 'string')) return value;
  } catch {
    // A parser's message quotes what it read, which is a secret here.
  }
  throw refused();
}

const refused = (): FernetError => new FernetError('The encrypted value cannot be opened.');
