import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsISO8601,
  IsString,
  IsUUID,
  MaxLength,
  MinLength,
} from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, Nullable, Optional, Page, PageQuery, type Timestamp } from '../fields';
import { limits } from '../limits';

export class CreateApiKey {
  @IsString()
  @MinLength(1)
  @MaxLength(limits.apiKeyNameCharacters)
  name: string;

  /** `resource:action`, with `*` on either side; none beyond what the caller may do. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.permissions)
  @IsString({ each: true })
  scopes: string[];

  /** In the future. Without one the key works until it is revoked. */
  @Optional()
  @Nullable()
  @IsISO8601({ strict: true })
  expires_at?: string | null;
}

export class ApiKey {
  @IsUUID()
  id: string;

  @IsString()
  name: string;

  /** The first characters of the key, by which people tell keys apart. */
  @IsString()
  prefix: string;

  @IsString({ each: true })
  scopes: string[];

  /** The user whom the key stands for: it never does more than they may do now. */
  @IsUUID()
  created_by: string;

  @IsISO8601()
  created_at: Timestamp;

  @Nullable()
  @IsISO8601()
  expires_at: Timestamp | null;

  @Nullable()
  @IsISO8601()
  last_used_at: Timestamp | null;
}

export class CreatedApiKey extends ApiKey {
  /** `taai_live_…`, shown this once. */
  @IsString()
  key: string;
}

export const apiKeyContract = contract('auth.api_key', {
  list: {
    summary: 'List API keys that are not revoked, newest first',
    http: 'GET /v1/api-keys',
    access: 'api_keys:read',
    input: PageQuery,
    output: Page(ApiKey),
    effect: 'safe',
  },
  create: {
    summary: 'Create an API key, at most 100 per tenant. It is shown once: a repetition by Idempotency-Key answers 409',
    http: 'POST /v1/api-keys',
    access: 'api_keys:create',
    secret: true,
    input: CreateApiKey,
    output: CreatedApiKey,
    effect: 'once_per_key',
  },
  remove: {
    summary: 'Revoke an API key',
    http: 'DELETE /v1/api-keys/:id',
    access: 'api_keys:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
