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
import { Nullable, Optional, Page, PageQuery, type Timestamp } from '../fields';
import { limits } from '../limits';

const auditActorTypes = ['user', 'api_key', 'service', 'operator'] as const;
export type AuditActorType = (typeof auditActorTypes)[number];

/** How an audit log can be found broken: see `AuditBreak`. */
const auditBreaks = ['missing', 'unlinked', 'edited', 'unexpected', 'head_differs'] as const;
type AuditBreakReason = (typeof auditBreaks)[number];

/** Entries of one call. */
export const MAX_AUDIT_ENTRIES = 100;

/** What an entry says: who did what, to what, and what that changed. */
class AuditFields {
  /** UUIDv7 of the event that told of it. */
  @IsUUID()
  id: string;

  @IsIn(auditActorTypes)
  actor_type: AuditActorType;

  /** Id of the user or key, name of the service or operator. */
  @Nullable()
  @IsString()
  actor_id: string | null;

  /** `resource.verb_past`. */
  @IsString()
  action: string;

  @Nullable()
  @IsString()
  target_type: string | null;

  @Nullable()
  @IsString()
  target_id: string | null;

  /** Without secrets, as is `after`; null for what was created. */
  @Nullable()
  @IsObject()
  before: Record<string, unknown> | null;

  /** Null for what was removed. */
  @Nullable()
  @IsObject()
  after: Record<string, unknown> | null;

  @Nullable()
  @IsString()
  request_id: string | null;

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
  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  actor_id?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  action?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  target_type?: string;

  @Optional()
  @IsString()
  @MaxLength(limits.auditFilterCharacters)
  target_id?: string;

  /** Inclusive. */
  @Optional()
  @IsISO8601({ strict: true })
  from?: string;

  /** Exclusive. */
  @Optional()
  @IsISO8601({ strict: true })
  to?: string;
}

export class AuditLog extends AuditFields {
  /** 1, 2, … without a gap. */
  @IsInt()
  seq: number;

  @IsISO8601()
  created_at: Timestamp;

  /** Of the entry before; null in the first one. */
  @Nullable()
  @IsString()
  previous_hash: string | null;

  /** SHA-256 in hex, over the entry and `previous_hash`. */
  @IsString()
  hash: string;
}

export class VerifyAuditLog {
  /** Seq of the entry that the check goes on after: `next_after` of the call before. */
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after?: number = 0;
}

/** The first place at which the log is not as it was written. */
export class AuditBreak {
  @IsInt()
  seq: number;

  /** Null when the entry is missing. */
  @Nullable()
  @IsUUID()
  id: string | null;

  /**
   * `missing`: no entry has this seq. `unlinked`: the entry does not follow from the one before it, as after a swap. `edited`: it
   * differs from its hash. `unexpected`: the head knows of no such entry. `head_differs`: the head names another hash for it.
   */
  @IsIn(auditBreaks)
  reason: AuditBreakReason;
}

/** The newest entry. Whoever keeps it elsewhere can tell, later, whether the whole log was written anew. */
export class AuditHead {
  @IsInt()
  seq: number;

  @IsString()
  hash: string;
}

export class AuditVerification {
  /** Of what was checked. */
  @IsBoolean()
  is_intact: boolean;

  /** Entries. */
  @IsInt()
  checked: number;

  /** The `after` of the next call; null when nothing is left to check. */
  @Nullable()
  @IsInt()
  next_after: number | null;

  @Nullable()
  @ValidateNested()
  @Type(() => AuditBreak)
  broken: AuditBreak | null;

  /** Null while the log is empty. */
  @Nullable()
  @ValidateNested()
  @Type(() => AuditHead)
  head: AuditHead | null;
}

export const auditContract = contract('auth.audit', {
  list: {
    summary: 'List audit entries, newest first',
    http: 'GET /v1/audit-logs',
    access: 'audit_logs:read',
    input: ListAuditLogs,
    output: Page(AuditLog),
    effect: 'safe',
  },
  verify: {
    summary:
      'Check the hash chain of the audit log, at most 50,000 entries a call; names the first that was tampered with',
    http: 'GET /v1/audit-logs/verify',
    access: 'audit_logs:read',
    input: VerifyAuditLog,
    output: AuditVerification,
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
