import type { Class } from '../contract';
import { nestedTypeOf, SchemaCollector } from './json-schema';

/** What is known of an input's field before its value is looked at. */
export interface FieldShape {
  isRequired: boolean;
  /** Whether a text is read as a number: queries are texts. */
  isNumber: boolean;
  /** What its value, or each item of it, is an instance of. */
  nested?: Class;
  /** The most items that it has; absent unless it is a list. */
  maxItems?: number;
}

export type InputShape = ReadonlyMap<string, FieldShape>;

const shapes = new WeakMap<Class, InputShape>();

/** The fields of an input, by name. */
export function shapeOf(type: Class): InputShape {
  const shape = shapes.get(type) ?? readShape(type);
  shapes.set(type, shape);
  return shape;
}

const readShape = (type: Class): InputShape =>
  new Map(
    new SchemaCollector('input').fields(type).map(({ name, schema: { maxItems }, optional }) => {
      const nested = nestedTypeOf(type, name);
      const isNumber = nested === Number;
      return [
        name,
        {
          isRequired: !optional,
          isNumber,
          ...(nested !== undefined && !isNumber && { nested: nested as Class }),
          ...(maxItems !== undefined && { maxItems }),
        },
      ];
    }),
  );
