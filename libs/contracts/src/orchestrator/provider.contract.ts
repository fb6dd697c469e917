import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsString,
  IsUUID,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { contract, Nothing } from '../contract';
import { Describe } from '../schema/describe';
import { ById, HttpUrl, Nullable, Optional, Page, PageQuery, Slug, type Timestamp } from '../fields';
import { limits } from '../schema/limits';

export const providerKinds = ['openai', 'anthropic', 'google', 'groq', 'ollama'] as const;
export type ProviderKind = (typeof providerKinds)[number];

const unknownModelPolicies = ['record', 'block'] as const;

/** How a provider is called. */
export class CallSettings {
  @Describe(
    'Milliseconds to the first token; then the next attempt or fallback has its turn. 60,000 if absent.',
    60_000,
  )
  @Optional()
  @IsInt()
  @Min(limits.minProviderTimeoutMs)
  @Max(limits.providerTimeoutMs)
  timeout_ms?: number;

  @Describe(
    'Attempts after the first one, before the first token, while the provider is overloaded or away. 2 if absent.',
    2,
  )
  @Optional()
  @IsInt()
  @Min(0)
  @Max(limits.providerRetries)
  max_retries?: number;

  @Describe(
    'A model without a known price is refused (`block`), or called and recorded as unpriced (`record`, if absent).',
  )
  @Optional()
  @IsIn(unknownModelPolicies)
  unknown_models?: (typeof unknownModelPolicies)[number];
}

class ProviderFields {
  @Describe(
    "Where it is reached: a public address, or one that the operator allows; absent: the vendor's own.",
    'https://api.anthropic.com',
  )
  @Optional()
  @Nullable()
  @HttpUrl()
  base_url?: string | null;

  @Describe('Lower is tried first.', 10)
  @Optional()
  @IsInt()
  @Min(0)
  @Max(limits.providerPriority)
  priority?: number;

  @Describe('False: no call is made to it.')
  @Optional()
  @IsBoolean()
  is_active?: boolean;

  @Describe('How it is called.')
  @Optional()
  @ValidateNested()
  @Type(() => CallSettings)
  settings?: CallSettings;
}

export class CreateProvider extends ProviderFields {
  @Describe('Names the provider in `provider/model`.', 'anthropic')
  @Slug()
  name: string;

  @Describe("The API that it speaks; `openai` stands for all who speak OpenAI's.", 'anthropic')
  @IsIn(providerKinds)
  kind: ProviderKind;
}

export class UpdateProvider extends ProviderFields {
  @Describe('Id of the provider.')
  @IsUUID()
  id: string;

  @Describe('Names the provider in `provider/model`.', 'anthropic')
  @Optional()
  @Slug()
  name?: string;
}

export class PutCredentials extends ById {
  @Describe("The vendor's API key.", 'sk-ant-…')
  @IsString()
  @MinLength(1)
  @MaxLength(limits.providerKeyCharacters)
  api_key: string;
}

export class Provider {
  @Describe('Id of the provider.')
  @IsUUID()
  id: string;

  @Describe('Names the provider in `provider/model`.', 'anthropic')
  @IsString()
  name: string;

  @Describe('The API that it speaks.', 'anthropic')
  @IsIn(providerKinds)
  kind: string;

  @Describe("Where it is reached; null: at the vendor's own address.", null)
  @Nullable()
  @IsString()
  base_url: string | null;

  @Describe('Lower is tried first.', 10)
  @IsInt()
  priority: number;

  @Describe('Whether calls are made to it.')
  @IsBoolean()
  is_active: boolean;

  @Describe('How it is called.')
  @ValidateNested()
  @Type(() => CallSettings)
  settings: CallSettings;

  @Describe('Whether credentials are stored; they are never shown.')
  @IsBoolean()
  has_credentials: boolean;

  @Describe('When it was created.')
  @IsISO8601()
  created_at: Timestamp;

  @Describe('When it was last changed.')
  @IsISO8601()
  updated_at: Timestamp;
}

export class ListProviderModels extends ById {
  @Describe('`true`: asks the provider, although its list is not a day old.')
  @Optional()
  @IsIn(['true', 'false'])
  refresh?: 'true' | 'false';
}

export class ProviderModel {
  @Describe('Name of the model, as the provider names it.', 'claude-sonnet-4-5')
  @IsString()
  id: string;

  @Describe('`provider/model`, as `POST /v1/chat/completions` takes it.', 'anthropic/claude-sonnet-4-5')
  @IsString()
  model: string;
}

export class ProviderModels {
  @Describe("The models: at most 1,000, in the provider's order.")
  @ValidateNested({ each: true })
  @Type(() => ProviderModel)
  data: ProviderModel[];

  @Describe('When the provider was asked.')
  @IsISO8601()
  fetched_at: Timestamp;
}

export class TestProvider extends ById {
  @Describe(
    "Name of the model to ask; absent: the first of the provider's list that looks like one for chat.",
    'claude-sonnet-4-5',
  )
  @Optional()
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model?: string;
}

export class ProviderTest {
  @Describe('Whether the provider answered.')
  @IsBoolean()
  ok: boolean;

  @Describe('How long the call took, or the question for models when that failed already, in milliseconds.', 820)
  @IsInt()
  latency_ms: number;

  @Describe('The model that was asked; null when the provider did not tell its models.', 'claude-sonnet-4-5')
  @Nullable()
  @IsString()
  model: string | null;

  @Describe(
    '`rate_limited`, `overloaded`, `timeout`, `invalid_request`, `auth`, `context_length`, `content_filter`, `unavailable`, …; absent when it answered.',
    'auth',
  )
  @Optional()
  @IsString()
  error_code?: string;

  @Describe('What went wrong, in a sentence.', 'The provider refused its credentials.')
  @Optional()
  @IsString()
  error_detail?: string;
}

const breakerStates = ['closed', 'open', 'half_open'] as const;

export class ProviderHealth {
  @Describe(
    '`closed`: calls are made; `open`: none is made until `retry_at`; `half_open`: the next one decides whether others follow.',
  )
  @IsIn(breakerStates)
  state: (typeof breakerStates)[number];

  @Describe('Calls of the last 30 seconds, with the present credentials.', 14)
  @IsInt()
  calls: number;

  @Describe('How many of them failed.', 0)
  @IsInt()
  failures: number;

  @Describe('When the next call is let through; null while calls are made.', null)
  @Nullable()
  @IsISO8601()
  retry_at: Timestamp | null;
}

export const providerContract = contract('orchestrator.provider', {
  create: {
    summary: 'Add an AI provider',
    description:
      'Give it credentials next. Answers `slug_taken` (409) for a name in use, and `url_not_allowed` (422) for an address that is not a public one.',
    http: 'POST /v1/providers',
    access: 'providers:create',
    input: CreateProvider,
    output: Provider,
    effect: 'once_per_key',
  },
  list: {
    summary: 'List AI providers',
    description: 'Credentials are never shown.',
    http: 'GET /v1/providers',
    access: 'providers:read',
    input: PageQuery,
    output: Page(Provider),
    effect: 'safe',
  },
  get: {
    summary: 'Read an AI provider',
    description: 'Credentials are never shown.',
    http: 'GET /v1/providers/:id',
    access: 'providers:read',
    input: ById,
    output: Provider,
    effect: 'safe',
  },
  update: {
    summary: 'Change an AI provider; another origin in `base_url` drops its credentials',
    description:
      'Fields that are absent stay. Answers `slug_taken` (409) for a name in use, and `url_not_allowed` (422) for an address that is not a public one.',
    http: 'PATCH /v1/providers/:id',
    access: 'providers:update',
    input: UpdateProvider,
    output: Provider,
    effect: 'once',
  },
  remove: {
    summary: 'Remove an AI provider and its credentials',
    description: 'Answers `conflict` (409) while agents use it.',
    http: 'DELETE /v1/providers/:id',
    access: 'providers:delete',
    input: ById,
    output: Nothing,
    effect: 'once',
  },
  putCredentials: {
    summary: 'Store the API key of a provider, encrypted; it can be replaced, never read',
    description: 'Calls use it within seconds. Test it with `POST /v1/providers/{id}/test`.',
    http: 'PUT /v1/providers/:id/credentials',
    secret: true,
    access: 'providers:update',
    input: PutCredentials,
    output: Nothing,
    effect: 'idempotent',
  },
  models: {
    summary: "List a provider's models; the list is kept for a day",
    description:
      'Answers `provider_not_ready` (422) without credentials, and `provider_failed` (502) when the provider does not tell its models.',
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
    description:
      'Answers 200 also when the provider fails: `ok` and `error_code` say so. Answers `provider_not_ready` (422) without credentials.',
    http: 'POST /v1/providers/:id/test',
    status: 200,
    access: 'providers:update',
    input: TestProvider,
    output: ProviderTest,
    limit: { per_minute: 20 },
    effect: 'once',
    long: true,
    timeout_ms: 60_000,
  },
  health: {
    summary: 'How calls of a provider fared of late, and whether they are held back',
    description: 'Counted over all replicas. While `state` is `open`, agents go on to their fallbacks.',
    http: 'GET /v1/providers/:id/health',
    access: 'providers:read',
    input: ById,
    output: ProviderHealth,
    effect: 'safe',
  },
});
