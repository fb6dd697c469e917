import { limits, schemaErrors } from '@taai/contracts';
import type { JsonObject } from '@taai/providers';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { LRUCache } from 'lru-cache';
import { withinTime } from './time-limit';

const COMPILE_MS = 2000;
const VALIDATE_MS = 500;
const MAX_VIOLATIONS = 5;

/** Nothing is fetched: a `$ref` that leaves the schema makes it malformed. Formats are told to the model, and not checked. */
const options = { strict: false, allErrors: true, logger: false, validateFormats: false, ownProperties: true } as const;

/** Each schema is compiled by an instance of its own, so that no `$id` meets another one's; `meta` checks them all. */
const dialects = { draft7: { Ajv, meta: new Ajv(options) }, draft2020: { Ajv: Ajv2020, meta: new Ajv2020(options) } };

// Compiles what `meta` checks with, before there is a time limit: an instance that is interrupted meanwhile stays broken.
for (const { meta } of Object.values(dialects)) void meta.validateSchema({});

/** A schema that took too long may have met a busy moment: it is tried again. */
const MALFORMED_MS = 60_000;

const compiled = new LRUCache<string, ValidateFunction | MalformedSchema>({
  maxSize: 8_000_000,
  sizeCalculation: (_, text) => text.length + 1000,
});

/** The message says in a sentence what is wrong. */
export class MalformedSchema extends Error {
  override readonly name = 'MalformedSchema';
}

/** What keeps a schema that a client sends from being used, as the message of its field; undefined: nothing does. */
export function schemaFault(schema: JsonObject): string | undefined {
  try {
    validatorOf(schema);
    return undefined;
  } catch (error) {
    if (error instanceof MalformedSchema) return `cannot be used: ${error.message}`;
    throw error;
  }
}

/** What is wrong with the value, if anything is, `;` between. Throws MalformedSchema. */
export function violations(schema: JsonObject, value: unknown): string | undefined {
  const validate = validatorOf(schema);
  if (withinTime(VALIDATE_MS, () => validate(value))) return undefined;
  return inWords(validate);
}

function validatorOf(schema: JsonObject): ValidateFunction {
  const text = JSON.stringify(schema);
  const known = compiled.get(text) ?? remember(text, () => compile(schema, text));
  if (known instanceof MalformedSchema) throw known;
  return known;
}

/** Failures too: servers describe their tools as they like, and one answer may call a tool a hundred times. */
function remember(text: string, work: () => ValidateFunction): ValidateFunction | MalformedSchema {
  try {
    const validate = work();
    compiled.set(text, validate);
    return validate;
  } catch (error) {
    if (!(error instanceof MalformedSchema)) throw error;
    if (text.length <= limits.schemaBytes) compiled.set(text, error, { ttl: MALFORMED_MS });
    return error;
  }
}

function compile(schema: JsonObject, text: string): ValidateFunction {
  if (Buffer.byteLength(text) > limits.schemaBytes)
    throw new MalformedSchema(`The schema is larger than ${limits.schemaBytes / 1024} kB.`);
  if (schema['type'] !== 'object') throw new MalformedSchema('The schema must be one of an object: "type": "object".');
  const { $schema, ...body } = schema;
  const { Ajv, meta } = String($schema).includes('draft-0') ? dialects.draft7 : dialects.draft2020;
  try {
    return withinTime(COMPILE_MS, () => {
      if (!meta.validateSchema(body)) throw new Error(inWords(meta));
      return new Ajv({ ...options, meta: false, validateSchema: false }).compile(body);
    });
  } catch (error) {
    throw new MalformedSchema(`The schema is malformed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A hostile schema may have more errors than anyone should compare with each other. */
const MAX_ERRORS = 50;

const inWords = ({ errors }: Pick<Ajv, 'errors'>): string =>
  schemaErrors(errors?.slice(0, MAX_ERRORS) ?? [])
    .slice(0, MAX_VIOLATIONS)
    .map(({ path, message }) => `${path || 'it'} ${message}`)
    .join('; ');
