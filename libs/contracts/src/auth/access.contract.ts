import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsString,
  IsUUID,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { contract } from '../contract';
import { Nullable, Optional, type Timestamp } from '../fields';
import { TenantLimits } from './tenant-limits';

/** What can stop granting access, or change what it grants. */
export const accessChangeKinds = ['session', 'api_key', 'user', 'tenant', 'conversation'] as const;
export type AccessChangeKind = (typeof accessChangeKinds)[number];

export class BySession {
  @IsUUID()
  tenant_id: string;

  @IsUUID()
  session_id: string;
}

export class ByApiKey {
  /** SHA-256 in hex. */
  @Matches(/^[0-9a-f]{64}$/)
  key_hash: string;
}

/** Of the caller's tenant. */
export class ByUser {
  @IsUUID()
  user_id: string;

  /** The key by which they asked for the work; null: by a session. */
  @Nullable()
  @IsUUID()
  api_key_id: string | null;
}

/** Who a credential stands for, and what they may do now. */
export class Principal {
  @IsUUID()
  tenant_id: string;

  @IsUUID()
  user_id: string;

  @Nullable()
  @IsUUID()
  session_id: string | null;

  @Nullable()
  @IsUUID()
  api_key_id: string | null;

  @IsString()
  role: string;

  @IsString({ each: true })
  permissions: string[];

  /** When the credential ends by itself; null for never. */
  @Nullable()
  @IsISO8601()
  expires_at: Timestamp | null;

  /** Of their tenant; absent where a replica of an earlier release answers. */
  @Optional()
  @ValidateNested()
  @Type(() => TenantLimits)
  limits?: TenantLimits;
}

export class ListAccessChanges {
  /** How far back. */
  @IsInt()
  @Min(1)
  @Max(86_400)
  seconds: number;
}

export class AccessChange {
  @IsIn(accessChangeKinds)
  kind: AccessChangeKind;

  @IsUUID()
  id: string;
}

export class AccessChanges {
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => AccessChange)
  changes: AccessChange[];

  /** Whether there were more than fit: whoever cached anything forgets all of it. */
  @IsBoolean()
  is_cut: boolean;

  /** Of the keys that access tokens are accepted of. */
  @IsString({ each: true })
  key_ids: string[];
}

export const accessContract = contract('auth.access', {
  session: {
    summary:
      'Who a session stands for; unauthenticated when it has ended, tenant_suspended while its tenant is not active',
    callers: ['gateway'],
    input: BySession,
    output: Principal,
    effect: 'safe',
  },
  apiKey: {
    summary: 'The same for an API key, which counts as used now',
    callers: ['gateway'],
    input: ByApiKey,
    output: Principal,
    effect: 'idempotent',
  },
  user: {
    summary:
      'What a user may do now, as far as their API key may if they came with one: for work that outlives their request',
    callers: ['orchestrator'],
    input: ByUser,
    output: Principal,
    effect: 'safe',
  },
  changes: {
    summary: 'What changed lately: whoever cached a principal looks again',
    callers: ['gateway'],
    input: ListAccessChanges,
    output: AccessChanges,
    effect: 'safe',
  },
});
