import type { ErrorObject } from 'ajv';
import type { FieldError } from './problem';

/** Keywords that mostly say only that something below them, which has an error of its own, does not fit. */
const WRAPPERS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'if']);

const nouns: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer number',
  boolean: 'a boolean value',
  object: 'an object',
  array: 'an array',
};

/**
 * What does not fit a JSON schema, in the words of all other inputs: the path of each field (`messages.0.role`), and what is wrong.
 * `root` is the path of the value that was compared. For a few errors: each is looked at beside all others.
 */
export function schemaErrors(errors: readonly ErrorObject[], root = ''): FieldError[] {
  const inner = errors.filter(({ keyword }) => !WRAPPERS.has(keyword));
  const own = errors.filter(
    (error) => inner.includes(error) || !inner.some((one) => isAtOrBelow(one, error.instancePath)),
  );
  const types = own.filter(isOfType);
  const foreign = new Set(types.map(schemaOf));
  const others = own.filter((error) => !isOfType(error) && !foreign.has(schemaOf(error)));
  // A value that may be of several types has an error for each that it is not: those for its own type tell more.
  const mistyped = types.filter(({ instancePath }) => !others.some((other) => isAtOrBelow(other, instancePath)));
  const deepest = mistyped.filter(({ instancePath }) => !mistyped.some((other) => isBelow(other, instancePath)));
  return [
    ...others.map((error) => ({ path: pathOf(error, root), message: messageOf(error) })),
    ...[...Map.groupBy(deepest, (error) => pathOf(error, root))].map(([path, faults]) => ({
      path,
      message: `must be ${typesOf(faults)}`,
    })),
  ];
}

const isOfType = ({ keyword }: ErrorObject): boolean => keyword === 'type';

/** Where the schema stands whose keyword the error is about. */
const schemaOf = ({ schemaPath }: ErrorObject): string => schemaPath.slice(0, schemaPath.lastIndexOf('/'));

const isBelow = (error: ErrorObject, path: string): boolean => error.instancePath.startsWith(`${path}/`);

const isAtOrBelow = (error: ErrorObject, path: string): boolean => error.instancePath === path || isBelow(error, path);

const dotted = (pointer: string): string =>
  pointer
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');

/** A field that is missing, or must not be there, has no value that a path could lead to. */
function pathOf({ instancePath, params }: ErrorObject, root: string): string {
  const { missingProperty, additionalProperty, unevaluatedProperty } = params as Record<string, string | undefined>;
  const name = missingProperty ?? additionalProperty ?? unevaluatedProperty;
  return [root, dotted(instancePath), name].filter((part) => part !== undefined && part !== '').join('.');
}

/** That a field may be null, too, is no news to who sends something else. */
function typesOf(faults: readonly ErrorObject[]): string {
  const types = faults.flatMap(({ params }) => (params as { type: string | string[] }).type);
  const named = types.flatMap((type) => nouns[type] ?? []);
  return named.length > 0 ? [...new Set(named)].join(' or ') : 'null';
}

type Words = (params: Record<string, unknown>) => string;

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const isUnknown: Words = () => 'should not exist';

/** By ajv's keyword: what class-validator says of the same fault. */
const words = new Map<string, Words>([
  ['required', () => 'must be present'],
  ['additionalProperties', isUnknown],
  ['unevaluatedProperties', isUnknown],
  ['enum', ({ allowedValues }) => `must be one of the following values: ${listed(allowedValues)}`],
  ['const', ({ allowedValue }) => `must be equal to ${shown(allowedValue)}`],
  ['pattern', ({ pattern }) => `must match /${String(pattern)}/ regular expression`],
  ['minimum', ({ limit }) => `must not be less than ${shown(limit)}`],
  ['maximum', ({ limit }) => `must not be greater than ${shown(limit)}`],
  ['minLength', ({ limit }) => `must be longer than or equal to ${shown(limit)} characters`],
  ['maxLength', ({ limit }) => `must be shorter than or equal to ${shown(limit)} characters`],
  ['minItems', ({ limit }) => `must contain at least ${shown(limit)} elements`],
  ['maxItems', ({ limit }) => `must contain no more than ${shown(limit)} elements`],
]);

const listed = (values: unknown): string =>
  [values]
    .flat()
    .filter((value) => value !== null)
    .map(shown)
    .join(', ');

const messageOf = ({ keyword, params, message = 'is wrong' }: ErrorObject): string =>
  words.get(keyword)?.(params) ?? message.replace('NOT', 'not');
