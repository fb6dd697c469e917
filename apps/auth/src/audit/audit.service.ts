import { Inject, Injectable } from '@nestjs/common';
import {
  ProblemError,
  readTimestamp,
  type AppendAudit,
  type AuditLog,
  type AuditRecord,
  type AuditVerification,
  type ListAuditLogs,
  type PageOf,
  type ReportDenied,
  type VerifyAuditLog,
} from '@taai/contracts';
import { auditedState, fitting, readCursor, toPage } from '@taai/entities';
import { REDIS, wakeRelay, type RedisClient } from '@taai/platform';
import { AuditRepository } from './audit.repository';
import { AuditVerifier } from './audit.verifier';

@Injectable()
export class AuditService {
  constructor(
    private readonly audit: AuditRepository,
    private readonly verifier: AuditVerifier,
    @Inject(REDIS) private readonly redis: RedisClient,
  ) {}

  /** Throws `not_found` for a tenant that is gone. */
  async append({ entries }: AppendAudit): Promise<void> {
    if (entries.length > 0) await this.audit.append(entries.map(withoutSecrets));
  }

  async list({ limit = 20, cursor, from, to, ...filters }: ListAuditLogs): Promise<PageOf<AuditLog>> {
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

  async denied({ entries }: ReportDenied): Promise<void> {
    const byTenant = Map.groupBy(entries, ({ tenant_id }) => tenant_id);
    for (const [tenant_id, denied] of byTenant) await this.audit.report(tenant_id, denied);
    wakeRelay(this.redis);
  }
}

/** Services leave secrets out; what is kept for ever is looked through once more. */
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
