import type { ErrorObject } from 'ajv';
import type { FieldError } from './problem';

type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

const nouns: Record<JsonType, string> = {
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'an array',
  null: 'null',
};

/** The message for a value of another type. */
export const mustBe = (...types: JsonType[]): string => `must be ${types.map((type) => nouns[type]).join(' or ')}`;

type Words = (params: ErrorObject['params']) => string;

const noField: Words = ({ additionalProperty, unevaluatedProperty }) =>
  `must not have the field ${additionalProperty ?? unevaluatedProperty}`;

/** By ajv's keyword: what class-validator says of the same fault. */
const words = new Map<string, Words>([
  ['type', ({ type }) => mustBe(...[type as JsonType | JsonType[]].flat())],
  [
    'enum',
    ({ allowedValues }) => `must be one of the following values: ${[allowedValues].flat().map(shown).join(', ')}`,
  ],
  ['const', ({ allowedValue }) => `must be equal to ${shown(allowedValue)}`],
  ['minLength', ({ limit }) => `must be longer than or equal to ${limit} characters`],
  ['maxLength', ({ limit }) => `must be shorter than or equal to ${limit} characters`],
  ['minimum', ({ limit }) => `must not be less than ${limit}`],
  ['maximum', ({ limit }) => `must not be greater than ${limit}`],
  ['minItems', ({ limit }) => `must contain at least ${limit} elements`],
  ['maxItems', ({ limit }) => `must contain no more than ${limit} elements`],
  ['pattern', ({ pattern }) => `must match /${pattern}/ regular expression`],
  ['required', ({ missingProperty }) => `must have the field ${missingProperty}`],
  ['additionalProperties', noField],
  ['unevaluatedProperties', noField],
]);

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** What ajv found, in the words of the other validators. `root` is the path of the value that was checked. */
export function schemaErrors(errors: readonly ErrorObject[] | null | undefined, root = ''): FieldError[] {
  return (errors ?? []).map(({ instancePath, keyword, params, message = 'is not valid' }) => ({
    path: pathOf(instancePath, root),
    message: words.get(keyword)?.(params) ?? message.replace('NOT', 'not'),
  }));
}

/** Reads a JSON pointer: `/items/0` of `config` is `config.items.0`. */
function pathOf(pointer: string, root: string): string {
  const names = pointer.split('/').slice(1);
  return [...(root ? [root] : []), ...names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))].join('.');
}
