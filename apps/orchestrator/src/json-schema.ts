import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { JsonObject } from '@taai/providers';
import { LRUCache } from 'lru-cache';

const compiled = new LRUCache<string, ValidateFunction>({ max: 500 });

/**
 * Tells what of a value does not fit the schema, in words; null: it fits.
 *
 * @throws Error for a malformed schema
 */
export function validatorOf(schema: JsonObject): (value: unknown) => string | null {
  const key = JSON.stringify(schema);
  const validate = compiled.get(key) ?? new Ajv({ strict: false, validateFormats: false }).compile(schema);
  compiled.set(key, validate);
  return (value) => (validate(value) ? null : describe(validate.errors?.[0]));
}

const describe = (error: ErrorObject | undefined): string =>
  `${error?.instancePath || 'the value'} ${error?.message ?? 'is wrong'}`;
