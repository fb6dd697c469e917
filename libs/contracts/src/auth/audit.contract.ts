import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { Nullable, Optional, Page, PageQuery } from '../fields';
import { limits } from '../schema/limits';

const auditActorTypes = ['user', 'api_key', 'service', 'operator'] as const;
export type AuditActorType = (typeof auditActorTypes)[number];

/** How an audit log can be found broken: see `AuditBreak`. */
const auditBreaks = ['missing', 'unlinked', 'edited', 'unexpected', 'head_differs'] as const;
type AuditBreakReason = (typeof auditBreaks)[number];

/** Entries of one call. */
export const MAX_AUDIT_ENTRIES = 100;

/** What an entry says: who did what, to what, and what that changed. */
class AuditFields {
  @Describe('Id of the entry, a UUIDv7.')
  @IsUUID()
  id: string;

  @Describe('What kind of actor it was.')
  @IsIn(auditActorTypes)
  actor_type: AuditActorType;

  @Describe('Id of the user or key, name of the service or operator.', '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42')
  @Nullable()
  @IsString()
  actor_id: string | null;

  @Describe('What was done: `resource.verb_past`.', 'role.updated')
  @IsString()
  action: string;

  @Describe('What kind of thing it was done to.', 'role')
  @Nullable()
  @IsString()
  target_type: string | null;

  @Describe('Id of the thing that it was done to.', '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42')
  @Nullable()
  @IsString()
  target_id: string | null;

  @Describe('The changed fields before, without secrets; null for what was created.', { permissions: ['tasks:read'] })
  @Nullable()
  @IsObject()
  before: Record<string, unknown> | null;

  @Describe('The changed fields after, without secrets; null for what was removed.', { permissions: ['tasks:*'] })
  @Nullable()
  @IsObject()
  after: Record<string, unknown> | null;

  @Describe('Id of the request that did it.', '0198f0e2-9a41-7c55-b1d7-2f6f0e8c3a10')
  @Nullable()
  @IsString()
  request_id: string | null;

  @Describe('Address from which it was asked.', '203.0.113.7')
  @Nullable()
  @IsString()
  ip: string | null;
}

/** An entry on its way to the log. */
export class AuditRecord extends AuditFields {
  /** RFC 3339, to the millisecond. */
  @IsISO8601()
  created_at: string;
}

/** Of one tenant, the caller's, in the order of their ids. */
export class AppendAudit {
  @IsArray()
  @ArrayMaxSize(MAX_AUDIT_ENTRIES)
  @ValidateNested({ each: true })
  @Type(() => AuditRecord)
  entries: AuditRecord[];
}

/** Refusals of one caller at one route within one minute. */
export class DeniedEntry {
  /** UUIDv7; the same each time that the entry is sent. */
  @IsUUID()
  id: string;

  @IsUUID()
  tenant_id: string;

  @IsIn(auditActorTypes)
  actor_type: AuditActorType;

  @Nullable()
  @IsString()
  actor_id: string | null;

  /** `POST /v1/providers`. */
  @IsString()
  route: string;

  /** What the route asks for: `providers:create`. */
  @IsString()
  access: string;

  @IsInt()
  @Min(1)
  count: number;

  /** When the minute began. */
  @IsISO8601()
  minute: string;
}

export class ReportDenied {
  @IsArray()
  @ArrayMaxSize(MAX_AUDIT_ENTRIES)
  @ValidateNested({ each: true })
  @Type(() => DeniedEntry)
  entries: DeniedEntry[];
}

/** Newest first. */
export class ListAuditLogs extends PageQuery {
  @Describe('Only what this actor did.', '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42')
  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  actor_id?: string;

  @Describe('Only this action.', 'role.updated')
  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  action?: string;

  @Describe('Only what was done to this kind of thing.', 'role')
  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  target_type?: string;

  @Describe('Only what was done to this thing.', '0198f0e2-7c2b-7d6e-9f3a-5b1f0c9a7e42')
  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  target_id?: string;

  @Describe('Beginning of the time, inclusive.', '2026-01-01T00:00:00Z')
  @Optional()
  @IsISO8601({ strict: true })
  from?: string;

  @Describe('End of the time, exclusive.', '2026-02-01T00:00:00Z')
  @Optional()
  @IsISO8601({ strict: true })
  to?: string;
}

export class AuditLog extends AuditFields {
  @Describe('Id of the tenant.')
  @IsUUID()
  tenant_id: string;

  @Describe('1, 2, … without a gap.', 17)
  @IsInt()
  seq: number;

  @Describe('When it was done, in UTC with six digits of a second.', '2026-01-31T12:00:00.123000Z')
  @IsISO8601()
  created_at: string;

  @Describe(
    'Hash of the entry before; null in the first one.',
    '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  )
  @Nullable()
  @IsString()
  previous_hash: string | null;

  @Describe(
    "SHA-256 in hex of this object's other fields, as canonical JSON (RFC 8785).",
    '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
  )
  @IsString()
  hash: string;
}

export class VerifyAuditLog {
  @Describe('Seq of the entry that the check goes on after: `next_after` of the call before.')
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after?: number = 0;
}

/** The first place at which the log is not as it was written. */
export class AuditBreak {
  @Describe('Seq of the place.', 9)
  @IsInt()
  seq: number;

  @Describe('Id of the entry; null when it is missing.')
  @Nullable()
  @IsUUID()
  id: string | null;

  @Describe(
    '`missing`: no entry has this seq. `unlinked`: the entry does not follow from the one before it, as after a swap. `edited`: it differs from its hash. `unexpected`: the head knows of no such entry. `head_differs`: the head names another hash for it.',
    'edited',
  )
  @IsIn(auditBreaks)
  reason: AuditBreakReason;
}

/** The newest entry. Whoever keeps it elsewhere can tell, later, whether the whole log was written anew. */
export class AuditHead {
  @Describe('Seq of the newest entry.', 17)
  @IsInt()
  seq: number;

  @Describe(
    'Its hash: whoever keeps it elsewhere can tell, later, whether the whole log was written anew.',
    '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
  )
  @IsString()
  hash: string;
}

export class AuditVerification {
  @Describe('Whether what was checked is as it was written.')
  @IsBoolean()
  is_intact: boolean;

  @Describe('Entries that were checked.', 17)
  @IsInt()
  checked: number;

  @Describe('The `after` of the next call; null when nothing is left to check.', null)
  @Nullable()
  @IsInt()
  next_after: number | null;

  @Describe('The first place at which the log is not as it was written; null when there is none.', null)
  @Nullable()
  @ValidateNested()
  @Type(() => AuditBreak)
  broken: AuditBreak | null;

  @Describe('The newest entry; null while the log is empty.')
  @Nullable()
  @ValidateNested()
  @Type(() => AuditHead)
  head: AuditHead | null;
}

export const auditContract = contract('auth.audit', {
  list: {
    summary: 'List audit entries, newest first',
    description: 'Filters combine. Entries cannot be changed or removed, and those of refused requests are among them.',
    http: 'GET /v1/audit-logs',
    access: 'audit_logs:read',
    input: ListAuditLogs,
    output: Page(AuditLog),
    effect: 'safe',
  },
  verify: {
    summary: `Check the hash chain of the audit log, at most ${limits.auditEntriesPerVerification} entries a call; names the first that was tampered with`,
    description:
      'Call again with `after` set to `next_after` until that is null. `head` tells nothing by itself: keep it elsewhere, and compare.',
    http: 'GET /v1/audit-logs/verify',
    access: 'audit_logs:read',
    input: VerifyAuditLog,
    output: AuditVerification,
    limit: { per_minute: 10 },
    effect: 'safe',
    long: true,
    timeout_ms: 30_000,
  },
  append: {
    summary: "Append entries to the tenant's audit log; one that is there already stays as it is",
    callers: ['webhook'],
    input: AppendAudit,
    output: Nothing,
    effect: 'idempotent',
  },
  denied: {
    summary: 'Have refused requests of any tenants recorded; one that is recorded already stays as it is',
    callers: ['gateway'],
    input: ReportDenied,
    output: Nothing,
    effect: 'idempotent',
  },
});
