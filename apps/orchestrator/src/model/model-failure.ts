import { ProviderError } from '@taai/providers';

/** Why a model gives no answer, besides a `ProviderError`: nobody knows its price and the provider refuses such models, or it finds no end. */
export class ModelFailure extends Error {
  override readonly name = 'ModelFailure';

  constructor(
    readonly code: 'model_unpriced' | 'output_too_long',
    detail: string,
  ) {
    super(detail);
  }
}

/** The error code of a failed call in the ledger. */
export const errorCodeOf = (failure: Error): string =>
  failure instanceof ProviderError || failure instanceof ModelFailure ? failure.code : 'internal';
