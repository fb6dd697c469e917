import { limits } from '@taai/contracts';
import type { JsonObject } from '@taai/providers';
import { ToolFailure, type LoadedTool } from './loaded-tool';
import { mapTexts } from '../json/map-texts';
import { isStorable } from '../json/storable';
import { cut } from './tool-result';
import { EndlessComparison, MalformedSchema, violations } from './tool-schema';

const MAX_MESSAGE = 1000;

/**
 * Reads what the model wrote; nothing at all stands for no arguments. Throws ToolFailure: `invalid_arguments` with what is wrong, for the
 * model to repair, or `invalid_schema`, which it cannot.
 */
export async function argumentsOf(
  { input_schema }: Pick<LoadedTool, 'input_schema'>,
  text: string,
): Promise<JsonObject> {
  const args = parse(text);
  try {
    const problem = await violations(input_schema, JSON.stringify(args));
    if (problem !== undefined) throw invalid(problem);
    return args;
  } catch (error) {
    if (error instanceof EndlessComparison) throw invalid('It takes too long to compare them with the schema.');
    if (error instanceof MalformedSchema) throw new ToolFailure('invalid_schema', cut(error.message, MAX_MESSAGE));
    throw error;
  }
}

function parse(text: string): JsonObject {
  if (text.length > limits.toolArgumentCharacters)
    throw invalid(`They are longer than ${limits.toolArgumentCharacters / 1024} kB.`);
  const value = parseJson(text.trim() || '{}');
  if (!isObject(value)) throw invalid('They must be one JSON object.');
  assertStorable(value);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`They are not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function assertStorable(value: JsonObject): void {
  try {
    mapTexts(value, (text) => {
      if (!isStorable(text)) throw invalid('They must be Unicode text without NUL characters.');
      return text;
    });
  } catch (error) {
    throw error instanceof RangeError ? invalid(error.message) : error;
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalid = (reason: string) =>
  new ToolFailure('invalid_arguments', cut(`The arguments do not fit the tool: ${reason}`, MAX_MESSAGE));
