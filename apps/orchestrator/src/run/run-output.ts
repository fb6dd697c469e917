import type { JsonObject } from '@taai/providers';
import { parseJson } from '../texts';
import { violations } from '../tool/tool-schema';

/** What is wrong with an answer that has to fit a schema, as the rest of a sentence that begins with "The answer"; null: nothing. */
export function misfitOf(schema: JsonObject | null | undefined, text: string): string | null {
  if (!schema) return null;
  const value = parseJson(text);
  if (value === undefined) return 'is not JSON.';
  const fault = violations(schema, value);
  return fault === undefined ? null : `does not fit its schema: ${fault}.`;
}
