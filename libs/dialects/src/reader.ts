import { invalidField, ProblemError, schemaErrors } from '@taai/contracts';
import { Ajv } from 'ajv';
import type { Schema } from './schema';

const ajv = new Ajv({ discriminator: true, allowUnionTypes: true });

/**
 * Compiles the schema of what a client sends. The reader throws `malformed_request` for what is no object, `validation_failed` with the
 * first field that does not fit.
 */
export function reader<T>(schema: Schema<T>): (value: unknown) => T {
  const fits = ajv.compile<T>(schema);
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ProblemError('malformed_request', 'The body must be a JSON object.');
    if (fits(value)) return value;
    const [fault] = schemaErrors(fits.errors ?? []);
    throw invalidField(fault?.path ?? '', fault?.message ?? 'is wrong');
  };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], null | undefined> };

/** The fields that a client has filled: `null` is sent for what is left out. */
export const present = <T extends object>(fields: T): Present<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as Present<T>;
