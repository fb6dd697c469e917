import { Type } from 'class-transformer';
import { IsIn, IsInt, IsISO8601, IsString, Max, MaxLength, Min, MinLength, ValidateNested } from 'class-validator';
import { contract } from './contract';
import { Nullable, Optional, Page, PageQuery, type Timestamp } from './fields';
import { providerKinds, type ProviderKind } from './orchestrator/provider.contract';
import { limits } from './limits';

const Rate = (): PropertyDecorator => (target, key) =>
  [IsInt(), Min(0), Max(limits.tokenPrice)].forEach((decorate) => decorate(target, key));

/** Micro-USD per million tokens of each bucket. */
export class TokenPrices {
  @Rate()
  input_price: number;

  /** Null or absent: as input. */
  @Optional()
  @Nullable()
  @Rate()
  cache_read_price?: number | null;

  /** Null or absent: as input. */
  @Optional()
  @Nullable()
  @Rate()
  cache_write_price?: number | null;

  @Rate()
  output_price: number;

  /** Null or absent: as output. */
  @Optional()
  @Nullable()
  @Rate()
  reasoning_price?: number | null;
}

export class OwnPrice extends TokenPrices {
  /** Calls made before keep the price that they had. */
  @IsISO8601()
  effective_from: Timestamp;
}

export class ListPrice extends OwnPrice {
  /** With a prompt of more tokens than this, caches included, the whole call costs more; null: the same at any length. */
  @Nullable()
  @IsInt()
  long_above_tokens: number | null;

  /** What the prompt of such a call costs, in percent of the prices above. */
  @Nullable()
  @IsInt()
  long_input_percent: number | null;

  /** And its answer. */
  @Nullable()
  @IsInt()
  long_output_percent: number | null;

  /** Where it was read, and when. */
  @IsString()
  source: string;
}

/** What a model costs now: the tenant's own price if there is one, else the list's. */
export class ModelPrice {
  @IsIn(providerKinds)
  provider_kind: string;

  /** It stands for its dated snapshots too; `*`: every model of the kind without another price. */
  @IsString()
  model: string;

  @Nullable()
  @ValidateNested()
  @Type(() => OwnPrice)
  own: OwnPrice | null;

  @Nullable()
  @ValidateNested()
  @Type(() => ListPrice)
  list: ListPrice | null;
}

export class ListPrices extends PageQuery {
  @Optional()
  @IsIn(providerKinds)
  provider_kind?: ProviderKind;
}

export class PutPrice {
  @IsIn(providerKinds)
  provider_kind: ProviderKind;

  /** As the provider's models are named in calls, or `*`: every model of the kind without another price of the tenant's own. */
  @IsString()
  @MinLength(1)
  @MaxLength(limits.modelCharacters)
  model: string;

  /** From now on; null: the list price again. */
  @Nullable()
  @ValidateNested()
  @Type(() => TokenPrices)
  price: TokenPrices | null;
}

export const priceContract = contract('usage.price', {
  list: {
    summary: 'List the prices of models that are in force: those of the list, and the tenant’s own',
    http: 'GET /v1/prices',
    access: 'prices:read',
    input: ListPrices,
    output: Page(ModelPrice),
    effect: 'safe',
  },
  put: {
    summary: 'Set the tenant’s own price of a model from now on, or take it back',
    http: 'PUT /v1/prices',
    access: 'prices:update',
    input: PutPrice,
    output: ModelPrice,
    effect: 'idempotent',
  },
});
