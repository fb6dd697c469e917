import { Type } from 'class-transformer';
import { IsIn, IsInt, IsISO8601, IsString, Max, MaxLength, Min, MinLength, ValidateNested } from 'class-validator';
import { contract } from './contract';
import { Describe } from './schema/describe';
import { Nullable, Optional, Page, PageQuery, type Timestamp } from './fields';
import { providerKinds, type ProviderKind } from './orchestrator/provider.contract';
import { limits } from './schema/limits';

const Rate = (): PropertyDecorator => (target, key) =>
  [IsInt(), Min(0), Max(limits.tokenPrice)].forEach((decorate) => decorate(target, key));

/** Micro-USD per million tokens of each bucket. */
export class TokenPrices {
  @Describe('Of the prompt, in micro-USD per million tokens.', 3_000_000)
  @Rate()
  input_price: number;

  @Describe('Of prompt tokens that the provider had cached; null or absent: as `input_price`.', 300_000)
  @Optional()
  @Nullable()
  @Rate()
  cache_read_price?: number | null;

  @Describe('Of prompt tokens that the provider caches; null or absent: as `input_price`.', 3_750_000)
  @Optional()
  @Nullable()
  @Rate()
  cache_write_price?: number | null;

  @Describe('Of the answer, in micro-USD per million tokens.', 15_000_000)
  @Rate()
  output_price: number;

  @Describe('Of what the model thinks before it answers; null or absent: as `output_price`.', 15_000_000)
  @Optional()
  @Nullable()
  @Rate()
  reasoning_price?: number | null;
}

export class OwnPrice extends TokenPrices {
  @Describe('From when on calls cost this; earlier ones keep the price that they had.')
  @IsISO8601()
  effective_from: Timestamp;
}

export class ListPrice extends OwnPrice {
  @Describe(
    'With a prompt of more tokens than this, caches included, the whole call costs more; null: the same at any length.',
    200_000,
  )
  @Nullable()
  @IsInt()
  long_above_tokens: number | null;

  @Describe('What the prompt of such a call costs, in percent of the prices above.', 200)
  @Nullable()
  @IsInt()
  long_input_percent: number | null;

  @Describe('What the answer of such a call costs, in percent of the prices above.', 150)
  @Nullable()
  @IsInt()
  long_output_percent: number | null;

  @Describe('Where the price was read, and when.', 'https://www.anthropic.com/pricing, 2026-01-15')
  @IsString()
  source: string;
}

/** What a model costs now: the tenant's own price if there is one, else the list's. */
export class ModelPrice {
  @Describe('Kind of the providers that offer the model.', 'anthropic')
  @IsIn(providerKinds)
  provider_kind: string;

  @Describe(
    'Name of the model, which stands for its dated snapshots too; `*`: every model of the kind without another price.',
    'claude-sonnet-4-5',
  )
  @IsString()
  model: string;

  @Describe("The tenant's own price, which goes first; null when there is none.")
  @Nullable()
  @ValidateNested()
  @Type(() => OwnPrice)
  own: OwnPrice | null;

  @Describe('The list price; null when the list does not know the model.')
  @Nullable()
  @ValidateNested()
  @Type(() => ListPrice)
  list: ListPrice | null;
}

export class ListPrices extends PageQuery {
  @Describe('Only models of this kind of provider.', 'anthropic')
  @Optional()
  @IsIn(providerKinds)
  provider_kind?: ProviderKind;
}

export class PutPrice {
  @Describe('Kind of the providers that offer the model.', 'anthropic')
  @IsIn(providerKinds)
  provider_kind: ProviderKind;

  @Describe(
    "Name of the model as calls name it, or `*`: every model of the kind without another price of the tenant's own.",
    'claude-sonnet-4-5',
  )
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model: string;

  @Describe('What calls cost from now on; null: the list price again.')
  @Nullable()
  @ValidateNested()
  @Type(() => TokenPrices)
  price: TokenPrices | null;
}

export const priceContract = contract('usage.price', {
  list: {
    summary: 'List the prices of models that are in force: those of the list, and the tenant’s own',
    description: 'Sorted by kind of provider and name of the model. A call costs what its model costs at the time.',
    http: 'GET /v1/prices',
    access: 'prices:read',
    input: ListPrices,
    output: Page(ModelPrice),
    effect: 'safe',
  },
  put: {
    summary: 'Set the tenant’s own price of a model from now on, or take it back',
    description:
      "Calls that were made before keep their price. Answers `validation_failed` (400) beyond the limit of models with prices of the tenant's own.",
    http: 'PUT /v1/prices',
    access: 'prices:update',
    input: PutPrice,
    output: ModelPrice,
    effect: 'idempotent',
  },
});
