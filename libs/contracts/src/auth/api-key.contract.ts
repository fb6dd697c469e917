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
import { Describe } from '../schema/describe';
import { ById, Nullable, Optional, Page, PageQuery, type Timestamp } from '../fields';
import { limits } from '../schema/limits';

export class CreateApiKey {
  @Describe('What the key is for.', 'CI')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.apiKeyNameCharacters)
  name: string;

  @Describe('What the key may do: `resource:action`, with `*` on either side; none beyond what the caller may do.', [
    'tasks:read',
  ])
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(limits.permissions)
  @IsString({ each: true })
  @MaxLength(limits.nameCharacters, { each: true })
  scopes: string[];

  @Describe(
    'When the key stops working, in the future. Without one it works until it is revoked.',
    '2027-01-31T12:00:00Z',
  )
  @Optional()
  @Nullable()
  @IsISO8601({ strict: true })
  expires_at?: string | null;
}

export class ApiKey {
  @Describe('Id of the key.')
  @IsUUID()
  id: string;

  @Describe('What the key is for.', 'CI')
  @IsString()
  name: string;

  @Describe('The first characters of the key, by which people tell keys apart.', 'taai_live_4fQ2')
  @IsString()
  prefix: string;

  @Describe('What the key may do: `resource:action`, with `*` on either side.', ['tasks:read'])
  @IsString({ each: true })
  @MaxLength(limits.nameCharacters, { each: true })
  scopes: string[];

  @Describe('Id of the user whom the key stands for: it never does more than they may do now.')
  @IsUUID()
  created_by: string;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When the key stops working; null: when it is revoked.')
  @Nullable()
  @IsISO8601()
  expires_at: Timestamp | null;

  @Describe('When it was last used; null before.')
  @Nullable()
  @IsISO8601()
  last_used_at: Timestamp | null;
}

export class CreatedApiKey extends ApiKey {
  @Describe('The key itself, `taai_live_…`, shown this once.', 'taai_live_…')
  @IsString()
  key: string;
}

export const apiKeyContract = contract('auth.api_key', {
  list: {
    summary: 'List API keys that are not revoked, newest first',
    description: 'The keys themselves are not shown, only their first characters.',
    http: 'GET /v1/api-keys',
    access: 'api_keys:read',
    input: PageQuery,
    output: Page(ApiKey),
    effect: 'safe',
  },
  create: {
    summary: `Create an API key, at most ${limits.apiKeysOfTenant} per tenant. It is shown once: a repetition by Idempotency-Key answers 409`,
    description:
      'The key stands for its creator, and never does more than they may do now. Answers `forbidden` (403) to callers who use an API key, and for scopes beyond their permissions; `conflict` (409) for one more than that.',
    http: 'POST /v1/api-keys',
    access: 'api_keys:create',
    secret: true,
    input: CreateApiKey,
    output: CreatedApiKey,
    effect: 'once_per_key',
  },
  remove: {
    summary: 'Revoke an API key',
    description:
      'It stops working within seconds. Answers `not_found` (404) for one that is revoked already, and `forbidden` (403) for the key of somebody else whose scopes go beyond what the caller may do.',
    http: 'DELETE /v1/api-keys/:id',
    access: 'api_keys:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
});
