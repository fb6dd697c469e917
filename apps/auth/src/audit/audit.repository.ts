import { Injectable } from '@nestjs/common';
import { notFound, type AuditHead, type AuditLog } from '@taai/contracts';
import { filtered, RlsPool, sql, violatedConstraint, type Tx } from '@taai/entities';
import type { Link, Sealed } from './audit-chain';

/** The conditions that a list may be narrowed by. */
interface AuditFilters {
  actor_id?: string;
  action?: string;
  target_type?: string;
  target_id?: string;
  /** The earliest time of an entry, RFC 3339. */
  from?: string;
  /** The time before which an entry was made, RFC 3339. */
  to?: string;
  /** The page has entries with a lower seq than this. */
  below?: number;
}

/** The head of a log, and the first entry beyond the head or before the first seq, if there is one. */
export interface Ends {
  head: AuditHead | undefined;
  stray: { seq: number; id: string } | undefined;
}

const FIELDS = `
  tenant_id, id, seq, actor_type, actor_id, action, target_type, target_id, before, after, request_id, ip, previous_hash, hash`;

/** What is hashed, as it is hashed: the time with all of its six digits. */
const SHOWN = `${FIELDS}, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at`;

/** Waits for whoever appends to the tenant's log, and keeps others waiting until the transaction ends. */
const LOCK_HEAD = sql(`
  insert into audit_heads (tenant_id, seq, hash) values ($1, 0, '')
  on conflict (tenant_id) do update set seq = audit_heads.seq
  returning seq, hash`);

const COLUMNS = `${FIELDS}, created_at`;
const INSERT = sql(`
  insert into audit_logs (${COLUMNS}) select ${COLUMNS} from jsonb_populate_recordset(null::audit_logs, $1)`);

const KNOWN = sql('select id from audit_logs where id = any ($1)');
const MOVE_HEAD = sql('update audit_heads set seq = $2, hash = $3 where tenant_id = $1');

/** One statement sees one snapshot, so that an entry that is being appended is no stray. */
const ENDS = sql(`
  select h.seq, h.hash, stray.seq as stray_seq, stray.id as stray_id
  from (select) one left join audit_heads h on true left join lateral (
    select l.seq, l.id from audit_logs l where l.seq > coalesce(h.seq, 0) or l.seq < 1 order by l.seq limit 1
  ) stray on true`);

const LINK = sql('select seq, id, hash from audit_logs where seq = $1');

const SEALED = sql(`select ${SHOWN} from audit_logs where seq > $1 and seq <= $2 order by seq`);

const list = filtered<AuditFilters>(
  `select ${SHOWN} from audit_logs where true`,
  {
    actor_id: (value) => `actor_id = ${value}`,
    action: (value) => `action = ${value}`,
    target_type: (value) => `target_type = ${value}`,
    target_id: (value) => `target_id = ${value}`,
    from: (value) => `created_at >= ${value}`,
    to: (value) => `created_at < ${value}`,
    below: (value) => `seq < ${value}`,
  },
  'order by seq desc limit $1',
);

/** The audit log of the caller's tenant. Nothing here changes or removes an entry, and the grants allow it to nobody. */
@Injectable()
export class AuditRepository {
  constructor(private readonly rls: RlsPool) {}

  /** Resolves to where the log ends. Nobody else appends until the transaction ends. Throws `not_found` for a tenant that is gone. */
  async lockHead(tx: Tx): Promise<AuditHead> {
    const [head] = await tx.write<AuditHead>(LOCK_HEAD, [tx.tenant_id]).catch(explain);
    if (!head) throw new Error('The head is inserted when there is none.');
    return head;
  }

  /** Resolves to those of the ids that the log has. */
  async known(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
    const rows = await tx.read<{ id: string }>(KNOWN, [ids]);
    return new Set(rows.map(({ id }) => id));
  }

  /** Adds rows that go on from the locked head. `last` is the new head. */
  async append(tx: Tx, rows: readonly Sealed[], last: Link): Promise<void> {
    await tx.write(INSERT, [JSON.stringify(rows)]);
    await tx.write(MOVE_HEAD, [tx.tenant_id, last.seq, last.hash]);
  }

  /** Resolves to entries, newest first, at most `limit`. */
  list(filters: AuditFilters, limit: number): Promise<AuditLog[]> {
    return this.rls.read<AuditLog>(...list(filters, limit));
  }

  async ends(): Promise<Ends> {
    type Row = { seq: number | null; hash: string; stray_seq: number | null; stray_id: string };
    const [row] = await this.rls.read<Row>(ENDS);
    if (!row) throw new Error('A row was asked for whether there is a log or not.');
    const { seq, hash, stray_seq, stray_id } = row;
    return {
      head: seq === null ? undefined : { seq, hash },
      stray: stray_seq === null ? undefined : { seq: stray_seq, id: stray_id },
    };
  }

  /** Resolves to the entry of a seq, as far as the next one goes on from it. */
  async link(seq: number): Promise<Link | undefined> {
    const [link] = await this.rls.read<Link>(LINK, [seq]);
    return link;
  }

  /** Resolves to the entries after one seq and up to another, oldest first. */
  read(after: number, upTo: number): Promise<Sealed[]> {
    return this.rls.read<Sealed>(SEALED, [after, upTo]);
  }
}

function explain(error: unknown): never {
  throw violatedConstraint(error) === 'audit_heads_tenant_id_fkey' ? notFound('tenant') : error;
}
