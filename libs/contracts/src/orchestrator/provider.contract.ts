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
import { limits } from '../limits';

export const providerKinds = ['openai', 'anthropic', 'google', 'groq', 'ollama'] as const;
export type ProviderKind = (typeof providerKinds)[number];

const unknownModelPolicies = ['record', 'block'] as const;

/** How a provider is called. */
export class ProviderSettings {
  /** Milliseconds to the first token; then the next attempt or fallback has its turn. 60,000 if absent. */
  @Optional()
  @IsInt()
  @Min(limits.minProviderTimeoutMs)
  @Max(limits.providerTimeoutMs)
  timeout_ms?: number;

  /** Attempts after the first one, before the first token, while the provider is overloaded or away. 2 if absent. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(limits.providerRetries)
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
  @Max(limits.providerPriority)
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
  @MaxLength(limits.providerKeyCharacters)
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

export class ListProviderModels extends ById {
  /** `true`: asks the provider, although its list is not a day old. */
  @Optional()
  @IsIn(['true', 'false'])
  refresh?: 'true' | 'false';
}

export class ProviderModel {
  /** As the provider names it. */
  @IsString()
  id: string;

  /** `provider/model`, as `POST /v1/chat/completions` takes it. */
  @IsString()
  model: string;
}

export class ProviderModels {
  /** At most 1,000, in the provider's order. */
  @ValidateNested({ each: true })
  @Type(() => ProviderModel)
  data: ProviderModel[];

  @IsISO8601()
  fetched_at: Timestamp;
}

export class TestProvider extends ById {
  /** Absent: the first model of the provider's list that looks like one for chat. */
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model?: string;
}

export class ProviderTest {
  @IsBoolean()
  ok: boolean;

  /** Of the call; when none was made, because the provider did not tell its models, of that question. */
  @IsInt()
  latency_ms: number;

  /** Null when the provider did not tell its models. */
  @Nullable()
  @IsString()
  model: string | null;

  /** `rate_limited`, `overloaded`, `timeout`, `invalid_request`, `auth`, `context_length`, `content_filter`, `unavailable`, … */
  @Optional()
  @IsString()
  error_code?: string;

  @Optional()
  @IsString()
  error_detail?: string;
}

const breakerStates = ['closed', 'open', 'half_open'] as const;

export class ProviderHealth {
  /** `open`: no call is made until `retry_at`; `half_open`: the next one decides whether others follow. */
  @IsIn(breakerStates)
  state: (typeof breakerStates)[number];

  /** Of the last 30 seconds, with the present credentials. */
  @IsInt()
  calls: number;

  @IsInt()
  failures: number;

  @Nullable()
  @IsISO8601()
  retry_at: Timestamp | null;
}

export const providerContract = contract('orchestrator.provider', {
  create: {
    summary: 'Add an AI provider',
    http: 'POST /v1/providers',
    access: 'providers:create',
    input: CreateProvider,
    output: Provider,
    effect: 'once_per_key',
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
  models: {
    summary: "List a provider's models; the list is kept for a day",
    http: 'GET /v1/providers/:id/models',
    access: 'providers:read',
    input: ListProviderModels,
    output: ProviderModels,
    effect: 'safe',
    long: true,
    timeout_ms: 30_000,
  },
  test: {
    summary: 'Ask a provider one short question, which it charges for',
    http: 'POST /v1/providers/:id/test',
    status: 200,
    access: 'providers:update',
    input: TestProvider,
    output: ProviderTest,
    effect: 'once',
    long: true,
    timeout_ms: 60_000,
  },
  health: {
    summary: 'How calls of a provider fared of late, and whether they are held back',
    http: 'GET /v1/providers/:id/health',
    access: 'providers:read',
    input: ById,
    output: ProviderHealth,
    effect: 'safe',
  },
});
