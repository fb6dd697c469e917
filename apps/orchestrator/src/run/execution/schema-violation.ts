import { parseJson, type JsonObject } from '@taai/providers';
import { EndlessComparison, MalformedSchema, violations } from '../../tool/tool-schema';
import { RunFailure } from './run-failure';

/**
 * Compares an answer with the schema that it has to fit. Returns the rest of a sentence that begins with "The answer",
 * or with null when it fits. Throws the RunFailure `output_invalid` for an answer that cannot be compared: the next step could not be either.
 */
export async function schemaViolation(schema: JsonObject | null | undefined, text: string): Promise<string | null> {
  if (!schema) return null;
  if (parseJson(text) === undefined) return 'is not JSON.';
  const fault = await compare(schema, text);
  return fault === undefined ? null : `does not fit its schema: ${fault}.`;
}

async function compare(schema: JsonObject, json: string): Promise<string | undefined> {
  try {
    return await violations(schema, json);
  } catch (error) {
    if (error instanceof EndlessComparison)
      throw new RunFailure('output_invalid', 'To compare the answer with its schema takes too long.');
    if (error instanceof MalformedSchema)
      throw new RunFailure('output_invalid', `The answer cannot be compared with its schema: ${error.message}`);
    throw error;
  }
}
