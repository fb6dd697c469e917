import type { AuditBreak, AuditRecord } from '@taai/contracts';
import { sha256 } from '@taai/platform';

/** A row without its hash. `created_at` is RFC 3339 in UTC, to the microsecond, as the database keeps it. */
interface Unsealed extends AuditRecord {
  tenant_id: string;
  seq: number;
  previous_hash: string | null;
}

export interface Sealed extends Unsealed {
  hash: string;
}

/** The last row of a chain; `id` and `hash` are null before its first row. */
export interface Link {
  seq: number;
  id: string | null;
  hash: string | null;
}

/** Writes JSON as RFC 8785 does, so that neither the order of keys nor the form of numbers counts. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}

const hashOf = (row: Unsealed): string => sha256(canonicalJson(row));

/** Chains a tenant's entries: each is hashed together with the hash of the one before it. */
export class AuditChain {
  constructor(public last: Link) {}

  /** Returns the entry as the next row of the chain. */
  seal(entry: AuditRecord & { tenant_id: string }): Sealed {
    const row = { ...storedFields(entry), seq: this.last.seq + 1, previous_hash: this.last.hash };
    const sealed = { ...row, hash: hashOf(row) };
    this.last = sealed;
    return sealed;
  }

  /** Follows rows in the order of their seqs, which should reach `upTo`. Returns the first that is not as it was sealed, if any. */
  follow(rows: readonly Sealed[], upTo: number): AuditBreak | undefined {
    for (const row of rows) {
      const broken = this.step(row);
      if (broken) return broken;
    }
    return this.last.seq < upTo ? this.missing() : undefined;
  }

  private step({ hash, ...row }: Sealed): AuditBreak | undefined {
    const { seq, id } = row;
    if (seq !== this.last.seq + 1) return this.missing();
    if (row.previous_hash !== this.last.hash) return { seq, id, reason: 'unlinked' };
    if (hashOf(row) !== hash) return { seq, id, reason: 'edited' };
    this.last = { seq, id, hash };
    return undefined;
  }

  private readonly missing = (): AuditBreak => ({ seq: this.last.seq + 1, id: null, reason: 'missing' });
}

/** Picks the fields that the database stores: what a sender of another release adds or leaves out is not hashed. */
const storedFields = (entry: AuditRecord & { tenant_id: string }) => ({
  tenant_id: entry.tenant_id,
  id: entry.id,
  actor_type: entry.actor_type,
  actor_id: entry.actor_id ?? null,
  action: entry.action,
  target_type: entry.target_type ?? null,
  target_id: entry.target_id ?? null,
  before: entry.before ?? null,
  after: entry.after ?? null,
  request_id: entry.request_id ?? null,
  ip: entry.ip ?? null,
  created_at: new Date(entry.created_at).toISOString().replace('Z', '000Z'),
});
