import { Type } from 'class-transformer';
import {
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
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract, Nothing } from '../contract';
import { ById, HttpUrl, Nullable, Optional, Page, PageQuery, Slug, type Timestamp } from '../fields';

export const providerKinds = ['openai', 'anthropic', 'google', 'groq', 'ollama'] as const;
export type ProviderKind = (typeof providerKinds)[number];

const unknownModelPolicies = ['record', 'block'] as const;

/** How a provider is called. */
export class ProviderSettings {
  /** Milliseconds to the first token; then the next attempt or fallback has its turn. 60,000 if absent. */
  @Optional()
  @IsInt()
  @Min(100)
  @Max(600_000)
  timeout_ms?: number;

  /** Attempts after the first one, before the first token, while the provider is overloaded or away. 2 if absent. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(5)
  max_retries?: number;

  /** A model without a known price is refused (`block`), or called and recorded as unpriced (`record`, if absent). */
  @Optional()
  @IsIn(unknownModelPolicies)
  unknown_models?: (typeof unknownModelPolicies)[number];
}

class ProviderFields {
  @Optional()
  @Nullable()
  @HttpUrl()
  base_url?: string | null;

  /** Lower is tried first. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(1000)
  priority?: number;

  @Optional()
  @IsBoolean()
  is_active?: boolean;

  @Optional()
  @ValidateNested()
  @Type(() => ProviderSettings)
  settings?: ProviderSettings;
}

export class CreateProvider extends ProviderFields {
  /** Names the provider in `provider/model`. */
  @Slug()
  name: string;

  @IsIn(providerKinds)
  kind: ProviderKind;
}

export class UpdateProvider extends ProviderFields {
  @IsUUID()
  id: string;

  @Optional()
  @Slug()
  name?: string;
}

export class PutCredentials extends ById {
  @IsString()
  @MinLength(1)
  @MaxLength(4096)
  api_key: string;
}

export class Provider {
  @IsUUID()
  id: string;

  @IsString()
  name: string;

  @IsIn(providerKinds)
  kind: string;

  @Nullable()
  @IsString()
  base_url: string | null;

  @IsInt()
  priority: number;

  @IsBoolean()
  is_active: boolean;

  /** `ProviderSettings`. */
  @IsObject()
  settings: ProviderSettings;

  /** Whether credentials are stored; they are never shown. */
  @IsBoolean()
  has_credentials: boolean;

  @IsISO8601()
  created_at: Timestamp;

  @IsISO8601()
  updated_at: Timestamp;
}

export const providerContract = contract('orchestrator.provider', {
  create: {
    summary: 'Add an AI provider',
    http: 'POST /v1/providers',
    access: 'providers:create',
    input: CreateProvider,
    output: Provider,
    effect: 'once',
  },
  list: {
    summary: 'List AI providers',
    http: 'GET /v1/providers',
    access: 'providers:read',
    input: PageQuery,
    output: Page(Provider),
    effect: 'safe',
  },
  get: {
    summary: 'Read an AI provider',
    http: 'GET /v1/providers/:id',
    access: 'providers:read',
    input: ById,
    output: Provider,
    effect: 'safe',
  },
  update: {
    summary: 'Change an AI provider; another origin in `base_url` drops its credentials',
    http: 'PATCH /v1/providers/:id',
    access: 'providers:update',
    input: UpdateProvider,
    output: Provider,
    effect: 'once',
  },
  remove: {
    summary: 'Remove an AI provider and its credentials',
    http: 'DELETE /v1/providers/:id',
    access: 'providers:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  putCredentials: {
    summary: 'Store the API key of a provider, encrypted; it can be replaced, never read',
    http: 'PUT /v1/providers/:id/credentials',
    secret: true,
    access: 'providers:update',
    input: PutCredentials,
    output: Nothing,
    effect: 'idempotent',
  },
});
