import { join } from 'node:path';
import { limits, schemaErrors } from '@taai/contracts';
import type { JsonObject } from '@taai/providers';
import type { ErrorObject } from 'ajv';
import { WorkerThread } from '../thread/worker-thread';
import type { SchemaQuestion, SchemaVerdict } from './schema.worker';

const MAX_VIOLATIONS = 5;
/** For one question, the wait behind those of others included. */
const TIMEOUT_MS = 5000;
const MEMORY_MB = 128;

/** Compares what models and clients write with schemas that strangers wrote. */
export const schemas = new WorkerThread<SchemaQuestion, SchemaVerdict>(join(import.meta.dirname, 'schema.worker'), {
  timeoutMs: TIMEOUT_MS,
  resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
});

/** The message says in a sentence what is wrong. */
export class MalformedSchema extends Error {
  override readonly name = 'MalformedSchema';
}

/** To compare a value with the schema takes more time or memory than anybody has for it. */
export class EndlessComparison extends Error {
  override readonly name = 'EndlessComparison';
}

/** What keeps a schema that a client sends from being used, as the message of its field; undefined: nothing does. */
export async function schemaFault(schema: JsonObject): Promise<string | undefined> {
  try {
    // Compared with nothing much, because some references show what they are only then.
    await verdictOn(schema, '{}');
    return undefined;
  } catch (error) {
    if (error instanceof MalformedSchema) return `cannot be used: ${error.message}`;
    if (error instanceof EndlessComparison) return 'cannot be used: It takes too long to read.';
    throw error;
  }
}

/** What is wrong with the value, if anything is, `;` between. Throws MalformedSchema, and EndlessComparison.
 *
 * @param json the value's: one that is nested without end could not be written again
 */
export async function violations(schema: JsonObject, json: string): Promise<string | undefined> {
  const verdict = await verdictOn(schema, json);
  return verdict.kind === 'differs' ? inWords(verdict.errors) : undefined;
}

async function verdictOn(schema: JsonObject, value: string) {
  const verdict = await ask({ schema: textOf(schema), value });
  switch (verdict.kind) {
    case 'slow':
      throw new EndlessComparison('It takes too long to compare them.');
    case 'unusable':
      throw new MalformedSchema(`The schema is malformed: ${verdict.reason}`);
    case 'malformed':
      throw new MalformedSchema(`The schema is malformed: ${inWords(verdict.errors)}`);
    default:
      return verdict;
  }
}

/** A thread that had to be ended was kept busy by somebody's schema. */
async function ask(question: SchemaQuestion): Promise<SchemaVerdict> {
  try {
    return await schemas.ask(question);
  } catch (error) {
    throw new EndlessComparison('The comparison was given up.', { cause: error });
  }
}

function textOf(schema: JsonObject): string {
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > limits.schemaBytes)
    throw new MalformedSchema(`The schema is larger than ${limits.schemaBytes / 1024} kB.`);
  if (schema['type'] !== 'object') throw new MalformedSchema('The schema must be one of an object: "type": "object".');
  return text;
}

const inWords = (errors: readonly ErrorObject[]): string =>
  schemaErrors(errors)
    .slice(0, MAX_VIOLATIONS)
    .map(({ path, message }) => `${path || 'it'} ${message}`)
    .join('; ');
