import type { ReencryptedSecrets, ReencryptSecrets, SecretKeys, SecretRef } from '@taai/contracts';
import { NIL } from 'uuid';
import { FernetError } from './fernet';
import { log } from '../observability/logger';
import type { SealedSecret, SecretBox } from './secret-box';

const DEFAULT_BATCH = 100;
const MAX_COUNT = 10_000;
const START: SecretRef = { tenant_id: NIL, id: NIL };

/** Where a service keeps its secrets. Rows come in one order, which `after` goes on from. */
export interface SecretStore {
  /** Ids of the keys in use; null when rows do not say which. */
  keyIds(): Promise<(string | null)[]>;
  /** Rows, of whatever tenants, that another key than `key_id` encrypts. */
  stale(key_id: string, after: SecretRef, limit: number): Promise<SecretRef[]>;
  /** How many of them there are, `limit` at most. */
  countStale(key_id: string, after: SecretRef, limit: number): Promise<number>;
  /** Undefined for a row that is gone, or has come to `key_id` meanwhile. */
  find(ref: SecretRef, key_id: string): Promise<{ owner_id: string; ciphertext: string } | undefined>;
  /** Stores what was sealed anew if the row still holds `ciphertext`; resolves to whether it did. */
  replace(ref: SecretRef, ciphertext: string, sealed: SealedSecret): Promise<boolean>;
}

type Outcome = 'reencrypted' | 'failed' | 'changed';

/** Encrypts stored secrets anew with the newest key, while they are in use. */
export class SecretRotation {
  constructor(
    private readonly box: SecretBox,
    private readonly store: SecretStore,
  ) {}

  async keys(): Promise<SecretKeys> {
    const key_ids = await this.store.keyIds();
    const in_use = key_ids.filter((key_id) => key_id !== null);
    return { newest: this.box.key_id, in_use, unrecorded: in_use.length < key_ids.length };
  }

  /** Encrypts one batch anew. Any number of replicas may do so at once: a row is replaced only if it is still as it was read. */
  async reencrypt({ batch = DEFAULT_BATCH, after = START }: ReencryptSecrets): Promise<ReencryptedSecrets> {
    const rows = await this.store.stale(this.box.key_id, after, batch);
    const outcomes: Outcome[] = [];
    for (const row of rows) outcomes.push(await this.renew(row));
    const count = (outcome: Outcome) => outcomes.filter((one) => one === outcome).length;
    const last = rows.at(-1) ?? null;
    const remaining = last ? await this.store.countStale(this.box.key_id, last, MAX_COUNT) : 0;
    return { reencrypted: count('reencrypted'), failed: count('failed'), remaining, last };
  }

  private async renew(ref: SecretRef): Promise<Outcome> {
    const stored = await this.store.find(ref, this.box.key_id);
    if (!stored) return 'changed';
    const owner = { tenant_id: ref.tenant_id, owner_id: stored.owner_id };
    try {
      const sealed = this.box.seal(owner, this.box.open(owner, stored.ciphertext));
      return (await this.store.replace(ref, stored.ciphertext, sealed)) ? 'reencrypted' : 'changed';
    } catch (error) {
      if (!(error instanceof FernetError)) throw error;
      log.error(owner, 'a stored secret cannot be opened: it stays as it is');
      return 'failed';
    }
  }
}
