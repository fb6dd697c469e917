import { ValidationTypes, getMetadataStorage } from 'class-validator';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import type { OpenAPIObject } from '@nestjs/swagger';
import { Nothing, type Class } from '@taai/contracts';

type SchemaOrReference = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>[string];
export type JsonSchema = Exclude<SchemaOrReference, { $ref: string }>;
export type Reference = Extract<SchemaOrReference, { $ref: string }>;

/** A field of an input or output class. */
export interface Field {
  name: string;
  schema: JsonSchema | Reference;
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

/** Collects the JSON Schemas of classes under their names, from what class-validator knows of them. */
export class SchemaCollector {
  readonly schemas: Record<string, JsonSchema> = {};

  /** A reference to the schema of `type`; the schema itself is collected. */
  ref(type: Class): Reference {
    if (!this.schemas[type.name]) {
      this.schemas[type.name] = {}; // taken before its fields are visited: classes may refer to themselves
      this.schemas[type.name] = this.object(type);
    }
    return { $ref: `#/components/schemas/${type.name}` };
  }

  /** The schema of `type` in place, without the fields named in `except`. */
  object(type: Class, except: readonly string[] = []): JsonSchema {
    const fields = this.fields(type).filter(({ name }) => !except.includes(name));
    return {
      type: 'object',
      properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
      required: fields.filter(({ optional }) => !optional).map(({ name }) => name),
      additionalProperties: false,
    };
  }

  /** The fields of `type`, inherited ones included, in the order of their declaration. */
  fields(type: Class): Field[] {
    if (type === Nothing) return [];
    const metadata = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
    const sample = new type();
    return [...new Set(metadata.map(({ propertyName }) => propertyName))].sort().map((name) => {
      const own = metadata.filter(({ propertyName }) => propertyName === name);
      const conditions = own.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION);
      const passes = (value: unknown) => conditions.every(({ constraints }) => callCondition(constraints[0], value));
      const schema = this.field(
        type,
        name,
        own.filter((one) => !conditions.includes(one)),
      );
      const fallback: unknown = Reflect.get(sample, name);
      return {
        name,
        schema: { ...(passes(null) ? schema : nullable(schema)), ...(fallback !== undefined && { default: fallback }) },
        optional: !passes(undefined),
      };
    });
  }

  private field(type: Class, name: string, validations: Validation[]): JsonSchema | Reference {
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

function nullable(schema: JsonSchema | Reference): JsonSchema {
  if ('$ref' in schema) return { anyOf: [schema, { type: 'null' }] };
  const type = [schema.type ?? []].flat();
  return { ...schema, type: [...type, 'null'], ...(schema.enum && { enum: [...(schema.enum as unknown[]), null] }) };
}

function nestedType(type: Class, name: string): Class {
  const metadata = defaultMetadataStorage.findTypeMetadata(type, name);
  if (!metadata) throw new Error(`${type.name}.${name}: @ValidateNested needs @Type(() => …).`);
  return metadata.typeFunction() as Class;
}
