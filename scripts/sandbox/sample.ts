import { list, record, type Json } from './json.ts';

const MAX_DEPTH = 20;

/** The smallest value that fits a simple JSON schema: what is required and no more. Types in capitals are Google's. */
export function sample(schema: unknown, depth = 0): unknown {
  const { const: constant, enum: values, anyOf, oneOf, type, minimum, minLength } = record(schema);
  if (constant !== undefined) return constant;
  const [choice] = [list(values), list(anyOf), list(oneOf)].filter(({ length }) => length > 0);
  if (choice) return choice === values ? choice[0] : sample(choice[0], depth + 1);
  switch (String(Array.isArray(type) ? type[0] : (type ?? 'object')).toLowerCase()) {
    case 'string':
      return 'sandbox'.padEnd(Number(minLength ?? 0), '.');
    case 'number':
    case 'integer':
      return Math.max(0, Number(minimum ?? 0));
    case 'boolean':
      return false;
    case 'null':
      return null;
    case 'array':
      return sampleArray(record(schema), depth);
    default:
      return sampleObject(record(schema), depth);
  }
}

const sampleArray = ({ items, minItems }: Json, depth: number): unknown[] =>
  Array.from({ length: Math.min(100, Number(minItems ?? 0)) }, () => sample(items, depth + 1));

function sampleObject({ properties, required }: Json, depth: number): Json {
  const wanted = depth < MAX_DEPTH ? list(required).map(String) : [];
  return Object.fromEntries(wanted.map((name) => [name, sample(record(properties)[name], depth + 1)]));
}
