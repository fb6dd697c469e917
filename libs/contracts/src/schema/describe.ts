import 'reflect-metadata';

const KEY = 'taai:description';

export interface Description {
  description: string;
  /** A value that the field may have. Left out where its rules show one: of ids, times, enumerations, booleans and nested objects. */
  example?: unknown;
}

/** What the API document says of a field, in a sentence. The generation fails for a field of a route or event without one. */
export const Describe = (description: string, example?: unknown): PropertyDecorator =>
  Reflect.metadata(KEY, { description, example } satisfies Description);

/** What `Describe` said of the field, in the class or in one that it extends. */
export const descriptionOf = (prototype: object, field: string): Description | undefined =>
  Reflect.getMetadata(KEY, prototype, field) as Description | undefined;
