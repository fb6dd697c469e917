import { Injectable } from '@nestjs/common';
import {
  ProblemError,
  readTimestamp,
  type AppendAudit,
  type AuditLog,
  type AuditRecord,
  type AuditVerification,
  type DeniedEntry,
  type ListAuditLogs,
  type PageOf,
  type ReportDenied,
  type VerifyAuditLog,
} from '@taai/contracts';
import { auditedState, emit, fitting, readCursor, toPage, withTenant, withTenantId, type Tx } from '@taai/entities';
import { DataSource } from 'typeorm';
import { AuditChain } from './audit-chain';
import { AuditRepository } from './audit.repository';
import { AuditVerifier } from './audit.verifier';

@Injectable()
export class AuditService {
  constructor(
    private readonly db: DataSource,
    private readonly audit: AuditRepository,
    private readonly verifier: AuditVerifier,
  ) {}

  /** Appends the entries that are new, in their order: all or none. Throws `not_found` for a tenant that is gone. */
  async append({ entries }: AppendAudit): Promise<void> {
    if (entries.length === 0) return;
    await withTenant(this.db, async (tx) => {
      const head = await this.audit.lockHead(tx);
      const known = await this.audit.known(
        tx,
        entries.map(({ id }) => id),
      );
      const fresh = entries.filter(({ id }) => !known.has(id) && known.add(id));
      if (fresh.length === 0) return;
      const chain = new AuditChain({ seq: head.seq, id: null, hash: head.hash || null });
      const sealed = fresh.map((entry) => chain.seal({ ...withoutSecrets(entry), tenant_id: tx.tenant_id }));
      await this.audit.append(tx, sealed, chain.last);
    });
  }

  async list({ limit, cursor, from, to, ...filters }: ListAuditLogs): Promise<PageOf<AuditLog>> {
    const times = {
      from: from === undefined ? undefined : readTimestamp('from', from),
      to: to === undefined ? undefined : readTimestamp('to', to),
    };
    const rows = await this.audit.list({ ...filters, ...times, below: seqOf(cursor) }, limit + 1);
    return toPage(rows, Math.min(limit, fitting(rows).length), ({ seq }) => [seq]);
  }

  verify({ after = 0 }: VerifyAuditLog): Promise<AuditVerification> {
    return this.verifier.verify(after);
  }

  /** Has refusals recorded, on the way that all entries take. A repetition adds none. */
  async denied({ entries }: ReportDenied): Promise<void> {
    const byTenant = Map.groupBy(entries, ({ tenant_id }) => tenant_id);
    for (const [tenant_id, denied] of byTenant) await withTenantId(this.db, tenant_id, (tx) => report(tx, denied));
  }
}

async function report(tx: Tx, entries: readonly DeniedEntry[]): Promise<void> {
  for (const entry of entries) await emit(tx, 'audit.recorded', { ...recordOf(entry) }, entry.id);
}

/** Returns the entry that a count of refusals becomes. It has no request, because it counts those of a minute. */
const recordOf = (entry: DeniedEntry): Omit<AuditRecord, 'id' | 'created_at'> => {
  const { actor_type, actor_id, route, access, count, minute } = entry;
  const target = { target_type: 'route', target_id: route };
  const after = { route, access, count, minute };
  return { actor_type, actor_id, action: 'access.denied', ...target, before: null, after, request_id: null, ip: null };
};

/** Removes secrets once more: services leave them out, but the log is kept for ever. */
const withoutSecrets = ({ before, after, ...entry }: AuditRecord): AuditRecord => ({
  ...entry,
  before: before && auditedState(before),
  after: after && auditedState(after),
});

function seqOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const [seq] = readCursor(cursor, 1);
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq)) throw new ProblemError('invalid_cursor');
  return seq;
}
