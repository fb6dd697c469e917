import type { ErrorObject } from 'ajv';
import type { FieldError } from './problem';

/** Keywords that only say that something below them, which has an error of its own, does not fit. */
const WRAPPERS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'if']);

const nouns: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer number',
  boolean: 'a boolean value',
  object: 'an object',
  array: 'an array',
};

/** What does not fit a JSON schema, in the words of all other inputs: the path of each field (`messages.0.role`), and what is wrong. */
export function schemaErrors(errors: readonly ErrorObject[]): FieldError[] {
  const own = errors.filter(({ keyword }) => !WRAPPERS.has(keyword));
  const types = own.filter(isOfType);
  const foreign = new Set(types.map(schemaOf));
  const others = own.filter((error) => !isOfType(error) && !foreign.has(schemaOf(error)));
  // A value that may be of several types has an error for each that it is not: those for its own type tell more.
  const mistyped = types.filter(({ instancePath }) => !others.some((other) => isAtOrBelow(other, instancePath)));
  const deepest = mistyped.filter(({ instancePath }) => !mistyped.some((other) => isBelow(other, instancePath)));
  return [
    ...others.map((error) => ({ path: pathOf(error), message: messageOf(error) })),
    ...[...Map.groupBy(deepest, pathOf)].map(([path, faults]) => ({ path, message: `must be ${typesOf(faults)}` })),
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
function pathOf({ instancePath, params }: ErrorObject): string {
  const { missingProperty, additionalProperty } = params as Record<string, string | undefined>;
  const name = missingProperty ?? additionalProperty;
  return [dotted(instancePath), name].filter((part) => part !== undefined && part !== '').join('.');
}

/** That a field may be null, too, is no news to who sends something else. */
function typesOf(faults: readonly ErrorObject[]): string {
  const types = faults.flatMap(({ params }) => (params as { type: string | string[] }).type);
  const named = types.flatMap((type) => nouns[type] ?? []);
  return named.length > 0 ? [...new Set(named)].join(' or ') : 'null';
}

function messageOf({ keyword, params, message = 'is wrong' }: ErrorObject): string {
  const { limit, allowedValues, pattern } = params as { limit?: number; allowedValues?: unknown[]; pattern?: string };
  switch (keyword) {
    case 'required':
      return 'must be present';
    case 'additionalProperties':
      return 'should not exist';
    case 'enum':
      return `must be one of the following values: ${(allowedValues ?? [])
        .filter((value) => value !== null)
        .map(String)
        .join(', ')}`;
    case 'pattern':
      return `must match ${pattern} regular expression`;
    case 'minimum':
      return `must not be less than ${limit}`;
    case 'maximum':
      return `must not be greater than ${limit}`;
    case 'minLength':
      return `must be longer than or equal to ${limit} characters`;
    case 'maxLength':
      return `must be shorter than or equal to ${limit} characters`;
    case 'minItems':
      return `must contain at least ${limit} elements`;
    case 'maxItems':
      return `must contain no more than ${limit} elements`;
    default:
      return message;
  }
}
