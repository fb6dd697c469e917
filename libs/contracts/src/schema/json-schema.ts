import { ValidationTypes, getMetadataStorage } from 'class-validator';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { Nothing, type Class } from '../contract';
import { descriptionOf } from './describe';

/** What the contracts need of JSON Schema 2020-12, which is OpenAPI 3.1's. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  /** One at most. */
  examples?: unknown[];
  default?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  discriminator?: { propertyName: string; mapping?: Record<string, string> };
}

/** A field of an input or output class. */
export interface Field {
  name: string;
  schema: JsonSchema;
  optional: boolean;
}

interface Validation {
  type: string;
  name?: string;
  each: boolean;
  constraints?: unknown[];
}

type Rule = (constraints: readonly unknown[]) => JsonSchema;

const count = (constraint: unknown): number => {
  if (typeof constraint !== 'number') throw new Error(`A validator has ${String(constraint)} where a number belongs.`);
  return constraint;
};

/** What each validator means in JSON Schema. A validator that is not here fails the generation, so that no rule goes undocumented. */
const rules: Record<string, Rule> = {
  isString: () => ({ type: 'string' }),
  isBoolean: () => ({ type: 'boolean' }),
  isInt: () => ({ type: 'integer' }),
  isNumber: () => ({ type: 'number' }),
  isObject: () => ({ type: 'object' }),
  isArray: () => ({ type: 'array' }),
  arrayMinSize: ([size]) => ({ type: 'array', minItems: count(size) }),
  arrayMaxSize: ([size]) => ({ type: 'array', maxItems: count(size) }),
  isUuid: () => ({ type: 'string', format: 'uuid' }),
  isEmail: () => ({ type: 'string', format: 'email' }),
  isIso8601: () => ({ type: 'string', format: 'date-time' }),
  isUrl: () => ({ type: 'string', format: 'uri' }),
  isIn: ([values]) => ({ type: 'string', enum: Array.isArray(values) ? values : [] }),
  matches: ([pattern]) => ({ type: 'string', pattern: pattern instanceof RegExp ? pattern.source : String(pattern) }),
  minLength: ([length]) => ({ minLength: count(length) }),
  maxLength: ([length]) => ({ maxLength: count(length) }),
  min: ([minimum]) => ({ minimum: count(minimum) }),
  max: ([maximum]) => ({ maximum: count(maximum) }),
};

/**
 * Collects the JSON Schemas of classes, from what class-validator and `Describe` know of them. Inputs are closed, and classes within
 * them are named `<class>Input`: they refuse fields that they do not know. Outputs are open, so that a new field breaks no client.
 */
export class SchemaCollector {
  readonly schemas: Record<string, JsonSchema> = {};
  private readonly classes = new Map<string, Class>();

  constructor(private readonly side: 'input' | 'output') {}

  /** A reference to the schema of `type`; the schema itself is collected. Throws for two classes of one name. */
  ref(type: Class): JsonSchema {
    const name = this.side === 'input' ? `${type.name}Input` : type.name;
    const known = this.classes.get(name);
    if (known && known !== type) throw new Error(`Two classes are named ${type.name}: their schemas would be one.`);
    if (!known) {
      this.classes.set(name, type); // before its fields are visited: classes may refer to themselves
      this.schemas[name] = this.object(type);
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  /** The schema of `type` in place, without the fields named in `except`. */
  object(type: Class, except: readonly string[] = []): JsonSchema {
    const fields = this.fields(type).filter(({ name }) => !except.includes(name));
    return {
      type: 'object',
      properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
      required: fields.filter(({ optional }) => !optional).map(({ name }) => name),
      ...(this.side === 'input' && { additionalProperties: false }),
    };
  }

  /** The fields of `type`, inherited ones included, by name. */
  fields(type: Class): Field[] {
    if (type === Nothing) return [];
    const metadata = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
    const sample = new type();
    return [...new Set(metadata.map(({ propertyName }) => propertyName))].sort().map((name) => {
      const own = metadata.filter(({ propertyName }) => propertyName === name);
      const conditions = own.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION);
      const passes = (value: unknown) => conditions.every(({ constraints }) => callCondition(constraints[0], value));
      const rules = own.filter((one) => !conditions.includes(one));
      const schema = this.field(type, name, rules);
      if (this.side === 'input') assertBounded(schema, `${type.name}.${name}`);
      return {
        name,
        schema: { ...annotations(type, sample, name), ...(passes(null) ? schema : nullable(schema)) },
        optional: !passes(undefined),
      };
    });
  }

  private field(type: Class, name: string, validations: Validation[]): JsonSchema {
    const nested = validations.find(({ type }) => type === ValidationTypes.NESTED_VALIDATION);
    const plain = validations.filter((one) => one !== nested);
    const merge = (each: boolean) =>
      Object.assign(
        {},
        ...plain.filter((one) => one.each === each).map((one) => schemaOf(type, name, one)),
      ) as JsonSchema;
    const whole = merge(false);
    const items = nested?.each ? this.ref(nestedType(type, name)) : merge(true);
    if (Object.keys(items).length > 0) return { ...whole, type: 'array', items };
    return nested ? this.ref(nestedType(type, name)) : whole;
  }
}

/** What keeps a text from being of any length: one of these. */
const TEXT_BOUNDS = ['maxLength', 'enum', 'pattern', 'format'] as const;

/** Throws for a field of an input that could have any size: nothing behind the edge is made for that. */
function assertBounded({ type, items, minimum, maximum, maxItems, ...schema }: JsonSchema, path: string): void {
  const types = [type].flat();
  if (types.some((one) => one === 'integer' || one === 'number') && (minimum === undefined || maximum === undefined))
    throw new Error(`${path} is a number without bounds: give it @Min and @Max.`);
  if (types.includes('array') && maxItems === undefined)
    throw new Error(`${path} is a list without a greatest length: give it @ArrayMaxSize.`);
  if (types.includes('string') && TEXT_BOUNDS.every((bound) => schema[bound] === undefined))
    throw new Error(`${path} is a text of any length: give it @MaxLength.`);
  if (items) assertBounded(items, path);
}

/** What is said of a field beside its rules. */
function annotations(type: Class, sample: object, name: string): JsonSchema {
  const { description, example } = descriptionOf(type.prototype as object, name) ?? {};
  const fallback: unknown = Reflect.get(sample, name);
  return {
    ...(description !== undefined && { description }),
    ...(example !== undefined && { examples: [example] }),
    ...(fallback !== undefined && { default: fallback }),
  };
}

function schemaOf(type: Class, field: string, { type: kind, name, constraints = [] }: Validation): JsonSchema {
  if (kind === ValidationTypes.WHITELIST) return {}; // any JSON
  const rule = name === undefined ? undefined : rules[name];
  if (!rule) {
    throw new Error(
      `${type.name}.${field}: no JSON Schema rule for the validator ${name ?? kind}; add it to json-schema.ts.`,
    );
  }
  return rule(constraints);
}

const callCondition = (condition: unknown, value: unknown): boolean =>
  typeof condition === 'function' && Boolean((condition as (object: object, value: unknown) => unknown)({}, value));

function nullable(schema: JsonSchema): JsonSchema {
  if (schema.$ref) return { anyOf: [schema, { type: 'null' }] };
  const type = [schema.type ?? []].flat();
  return { ...schema, type: [...type, 'null'], ...(schema.enum && { enum: [...schema.enum, null] }) };
}

/** What `@Type` says of the field: a class, or `Number` of numbers in a query. */
export const nestedTypeOf = (type: Class, name: string): unknown =>
  defaultMetadataStorage.findTypeMetadata(type, name)?.typeFunction();

function nestedType(type: Class, name: string): Class {
  const nested = nestedTypeOf(type, name);
  if (!nested) throw new Error(`${type.name}.${name}: @ValidateNested needs @Type(() => …).`);
  return nested as Class;
}
