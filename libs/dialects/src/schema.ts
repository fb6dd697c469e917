declare const typed: unique symbol;

/** A JSON schema of values of the type T: it documents them, it validates them, and it is their TypeScript type. */
export interface Schema<T = unknown> {
  /** Its name among the schemas of the API document. */
  title?: string;
  description?: string;
  type?: string | string[];
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  anyOf?: Schema[];
  oneOf?: Schema[];
  discriminator?: { propertyName: string };
  readonly [typed]?: T;
}

export type TypeOf<S> = S extends Schema<infer T> ? T : never;

type Fields = Record<string, Schema>;

type None = Record<never, Schema>;
type Filled<R extends Fields> = { [K in keyof R]: TypeOf<R[K]> };

type Limits<K extends keyof Schema> = Pick<Schema, K | 'description'>;

export const text = (limits: Limits<'pattern' | 'minLength' | 'maxLength'> = {}): Schema<string> => ({
  type: 'string',
  ...limits,
});

export const number = (limits: Limits<'minimum' | 'maximum'> = {}): Schema<number> => ({ type: 'number', ...limits });

export const integer = (limits: Limits<'minimum' | 'maximum'> = {}): Schema<number> => ({ type: 'integer', ...limits });

export const boolean = (): Schema<boolean> => ({ type: 'boolean' });

/** One of the texts. */
export const oneOf = <const V extends string>(...values: V[]): Schema<V> => ({ type: 'string', enum: values });

export const list = <T>(items: Schema<T>, limits: Limits<'minItems' | 'maxItems'> = {}): Schema<T[]> => ({
  type: 'array',
  items,
  ...limits,
});

export const anything = (): Schema => ({});

/** An object of which nothing is known but the fields named, if any. */
export const anyObject = (properties: Fields = {}): Schema<Record<string, unknown>> => ({ type: 'object', properties });

/** An object as clients send it: with null for what they leave out of the optional fields. */
export const object = <R extends Fields, O extends Fields = None>(
  required: R,
  optional?: O,
): Schema<Filled<R> & { [K in keyof O]?: TypeOf<O[K]> | null }> =>
  objectOf(required, mapFields(optional ?? {}, nullable));

/** An object as we write it: an optional field may be absent, and is never null. */
export const written = <R extends Fields, O extends Fields = None>(
  required: R,
  optional?: O,
): Schema<Filled<R> & { [K in keyof O]?: TypeOf<O[K]> }> => objectOf(required, optional ?? {});

const objectOf = (required: Fields, optional: Fields): Schema<never> => ({
  type: 'object',
  properties: { ...required, ...optional },
  required: Object.keys(required),
});

/** An object that may have no other fields. */
export const closed = <T>(schema: Schema<T>): Schema<T> => ({ ...schema, additionalProperties: false });

/** The schema under a name of its own in the API document, where others refer to it. */
export const named = <T>(title: string, schema: Schema<T>): Schema<T> => ({ title, ...schema });

export const described = <T>(description: string, schema: Schema<T>): Schema<T> => ({ ...schema, description });

export function nullable<T>(schema: Schema<T>): Schema<T | null> {
  if (schema.title !== undefined || !schema.type) return { anyOf: [schema, { type: 'null' }] };
  const type = [...[schema.type ?? []].flat(), 'null'];
  return { ...schema, type, ...(schema.enum && { enum: [...schema.enum, null] }) };
}

export const either = <A, B>(one: Schema<A>, other: Schema<B>): Schema<A | B> => ({ anyOf: [one, other] });

/** Objects of several kinds, of which each says by the field `tag` which kind it is. */
export function tagged<Tag extends string, V extends Record<string, Schema>>(
  tag: Tag,
  variants: V,
): Schema<{ [K in keyof V]: Record<Tag, K> & TypeOf<V[K]> }[keyof V]> {
  const kinds = Object.entries(variants).map(([name, { properties, required = [] }]) => ({
    type: 'object',
    properties: { [tag]: oneOf(name), ...properties },
    required: [tag, ...required],
  }));
  return {
    type: 'object',
    properties: { [tag]: oneOf(...Object.keys(variants)) },
    required: [tag],
    discriminator: { propertyName: tag },
    oneOf: kinds,
  };
}

const mapFields = (fields: Fields, change: (schema: Schema) => Schema): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, change(schema)]));
