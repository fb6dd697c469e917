import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { invalidField, limits, type AuditBreak, type AuditVerification } from '@taai/contracts';
import { currentCaller } from '@taai/tenant';
import { AuditChain, type Link } from './audit-chain';
import { AuditRepository, type Ends } from './audit.repository';
import { KeyedSemaphore, Semaphore } from '../login/semaphore';

const BATCH = 100;
/** After these milliseconds a call stops, and the next one goes on. A call may take 30 s. */
const BUDGET_MS = 20_000;

const START: Link = { seq: 0, id: null, hash: null };

/** One log is verified at a time for a tenant. */
const TENANT = { slots: 1, waiting: 1, max_wait_ms: 5000 };
/** Of all tenants two batches at a time: the process must have time to answer who is logged in. Tenants take turns batch by batch. */
const ALL = { slots: 2, waiting: 64, max_wait_ms: 5000 };

/** Compares a tenant's log with its hashes. Entries that are appended meanwhile are left to the next call. */
@Injectable()
export class AuditVerifier {
  private readonly ofTenant = new KeyedSemaphore(TENANT);
  private readonly ofAll = new Semaphore(ALL);

  constructor(private readonly audit: AuditRepository) {}

  /** Verifies the entries after one. Throws `validation_failed` for one beyond the newest, `overloaded` while others are verified. */
  verify(after: number): Promise<AuditVerification> {
    return this.ofTenant.run(currentCaller().tenant_id, () => this.check(after));
  }

  private async check(after: number): Promise<AuditVerification> {
    const ends = await this.audit.ends();
    const { head } = ends;
    const end = head?.seq ?? 0;
    if (after > end) throw invalidField('after', 'is beyond the newest entry');
    const start = after === 0 ? START : await this.audit.link(after);
    const chain = new AuditChain(start ?? { ...START, seq: after - 1 });
    const broken =
      (await this.walk(chain, Math.min(end, after + limits.auditEntriesPerVerification))) ??
      breakAtEnd(chain, ends) ??
      null;
    const { seq } = chain.last;
    return {
      is_intact: broken === null,
      checked: Math.max(0, seq - after),
      next_after: broken === null && seq < end ? seq : null,
      broken,
      head: head ?? null,
    };
  }

  private async walk(chain: AuditChain, upTo: number): Promise<AuditBreak | undefined> {
    const until = performance.now() + BUDGET_MS;
    while (chain.last.seq < upTo && performance.now() < until) {
      const next = Math.min(upTo, chain.last.seq + BATCH);
      const broken = await this.ofAll.run(async () => chain.follow(await this.audit.read(chain.last.seq, next), next));
      if (broken) return broken;
      await setImmediate();
    }
    return undefined;
  }
}

/** Returns the break that only the end of the log shows: entries that are missing there, or beyond the head. */
function breakAtEnd({ last: { seq, id, hash } }: AuditChain, { head, stray }: Ends): AuditBreak | undefined {
  if (head && seq < head.seq) return undefined;
  if (head && hash !== head.hash) return { seq, id, reason: 'head_differs' };
  return stray && { ...stray, reason: 'unexpected' };
}
