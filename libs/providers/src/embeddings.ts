import { ProviderError } from './provider-error';

/** @throws ProviderError when they are not one vector for each of `count` inputs: half of them are of no use */
export function toVectors(values: unknown[], count: number): number[][] {
  if (values.length === count && values.every(isVector)) return values;
  throw new ProviderError('unavailable', 'The provider answered with something that is no list of embeddings.');
}

const isVector = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((number) => typeof number === 'number');
