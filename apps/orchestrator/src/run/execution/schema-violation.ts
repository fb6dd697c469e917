import { isNativeError } from 'node:util/types';
import { parseJson, type JsonObject } from '@taai/providers';
import { TimeLimitExceeded } from '../../tool/time-limit';
import { violations } from '../../tool/tool-schema';
import { RunFailure } from './run-failure';

/**
 * Compares an answer with the schema that it has to fit. Returns the rest of a sentence that begins with "The answer",
 * or with null when it fits. Throws the RunFailure `output_invalid` for an answer that cannot be compared: the next step could not be either.
 */
export function schemaViolation(schema: JsonObject | null | undefined, text: string): string | null {
  if (!schema) return null;
  const value = parseJson(text);
  if (value === undefined) return 'is not JSON.';
  const fault = compare(schema, value);
  return fault === undefined ? null : `does not fit its schema: ${fault}.`;
}

function compare(schema: JsonObject, value: unknown): string | undefined {
  try {
    return violations(schema, value);
  } catch (error) {
    if (!(error instanceof TimeLimitExceeded) && !isNestedTooDeep(error)) throw error;
    throw new RunFailure('output_invalid', 'To compare the answer with its schema takes too long.');
  }
}

/** Schemas that refer to themselves are followed by recursion. The error is of another realm, where the time is limited. */
const isNestedTooDeep = (error: unknown): boolean => isNativeError(error) && error.name === 'RangeError';
