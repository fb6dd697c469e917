import {
  bodyLimitsOf,
  limits,
  publicMethods,
  SchemaCollector,
  type BoundMethod,
  type PublicMethod,
} from '@taai/contracts';
import { dialects, routeOf } from '@taai/dialects';
import { pathNames, splitRoute } from '../route/route';

export const ID = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';

/** What is sent, under a name that says what is wrong with it. */
export type Hostile = [name: string, text: string];

export interface HostileRoute {
  bound: BoundMethod<PublicMethod>;
  verb: string;
  /** With an id in the place of each name. */
  path: string;
  takesBody: boolean;
  /** Those that a body or a query may have. */
  fields: string[];
}

/** Every route of the contracts and dialects. */
export const hostileRoutes = (): HostileRoute[] =>
  [
    ...publicMethods.map((bound) => ({ bound, fields: namesOf(bound) })),
    ...dialects.map((dialect) => ({
      bound: routeOf(dialect),
      fields: Object.keys(dialect.request.schema.properties ?? {}),
    })),
  ].map(({ bound, fields }) => {
    const { verb, path } = splitRoute(bound.method.http);
    const inPath = pathNames(bound.method.http);
    return {
      bound,
      verb,
      path: path.replace(/:\w+/g, ID),
      takesBody: verb !== 'GET' && verb !== 'DELETE',
      fields: fields.filter((name) => !inPath.includes(name)),
    };
  });

const namesOf = ({ method }: BoundMethod<PublicMethod>) =>
  new SchemaCollector('input').fields(method.input).map(({ name }) => name);

const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join();
const keys = (count: number, value = '1') => `{${times(count, (at) => `"k${at}":${value}`)}}`;
const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

/** JSON of about as many bytes, that no field was made for. */
function values(bytes: number, bound: BoundMethod): Hostile[] {
  const few = Math.min(bodyLimitsOf(bound).values - 100, 1900 + Math.floor(bytes / 13), Math.floor(bytes / 8));
  return [
    ['a long text', `"${'a'.repeat(bytes)}"`],
    ['a text of escapes', `"${String.raw`\u0061`.repeat(bytes / 6)}"`],
    ['a text of backslashes', `"${'\\\\'.repeat(bytes / 2)}"`],
    ['a text of spaces', `"${' '.repeat(bytes)}x"`],
    ['a text like an address', `"${'a.'.repeat(bytes / 4)}@${'a.'.repeat(bytes / 4)}"`],
    ['a text like a URL', `"https://${'a.'.repeat(bytes / 4)}/${'?a=%'.repeat(bytes / 8)}"`],
    ['a text of digits and dashes', `"${'0-'.repeat(bytes / 2)}"`],
    ['a number of digits', '9'.repeat(bytes)],
    ['a list of numbers', `[${times(bytes / 2, () => '0')}]`],
    ['a list of objects', `[${times(bytes / 3, () => '{}')}]`],
    ['a list of lists', `[${times(bytes / 3, () => '[]')}]`],
    ['an object of many keys', keys(bytes / 12)],
    ['as many objects as fit', `[${times(few, () => '{}')}]`],
    ['as many numbers as fit', `[${times(few, () => '0')}]`],
    ['as many keys as fit', `[${times(Math.max(1, Math.floor(few / 900)), () => keys(900))}]`],
    ['as many levels as fit', `[${times(Math.floor(few / 29), () => nested(28))}]`],
    ['levels', nested(bytes / 6)],
    ['lists in lists', '['.repeat(bytes)],
  ];
}

const extremes: Hostile[] = [
  ['1e400', '1e400'],
  ['-0', '-0'],
  ['2^53', '9007199254740993'],
  ['-1e308', '-1e308'],
  ['NUL', String.raw`"a\u0000"`],
  ['half a surrogate pair', String.raw`"\ud800"`],
  ['null', 'null'],
  ['a fraction', '0.1'],
  ['an empty object', '{}'],
  ['a prototype', '{"__proto__":{"admin":true}}'],
  ['a constructor', '{"constructor":{"prototype":{"admin":true}}}'],
  ['a path', '{"../../etc/passwd":1,"a.b":2,"":3}'],
];

/** Bodies for a route: of the size given for the whole, and for each of its fields. */
export function hostileBodies({ fields, bound }: HostileRoute, bytes: number): Hostile[] {
  const within = Math.min(bytes, bodyLimitsOf(bound).bytes) - 200;
  return [
    ...values(within, bound),
    ...extremes,
    ['one key many times', `{${times(within / 6, () => '"k":1')}}`],
    ['commas', ','.repeat(within)],
    ['spaces', ' '.repeat(within)],
    ['half a text', `{"${'a'.repeat(within)}`],
    ['a key of any length', `{"${'a'.repeat(within)}":1}`],
    ['every field of the wrong type', `{${fields.map((name) => `"${name}":[[]]`).join()}}`],
    ...fields.flatMap((field) =>
      [...values(within - field.length, bound), ...extremes].map(([name, json]): Hostile => [
        `${name} as ${field}`,
        `{"${field}":${json}}`,
      ]),
    ),
  ];
}

const MANY = Math.floor(limits.urlBytes / 6);

/** Queries for a route. */
export const hostileQueries = ({ fields }: HostileRoute): Hostile[] => [
  ['many keys', Array.from({ length: MANY }, (_, at) => `k${at.toString(36)}`).join('&')],
  ['one key many times', Array(MANY).fill('a=1').join('&')],
  ['a prototype', '__proto__=1&__proto__=2&constructor=3&prototype=4'],
  ['signs alone', '&=&=%'.repeat(MANY)],
  ...['limit', ...fields].flatMap((field): Hostile[] => [
    [`a long ${field}`, `${field}=${'a'.repeat(limits.urlBytes - 500)}`],
    [`${field} many times`, Array.from({ length: 200 }, () => `${field}=1`).join('&')],
    [`${field} beyond all numbers`, `${field}=18446744073709551615`],
    [`NUL in ${field}`, `${field}=%00`],
    [`${field} that is no UTF-8`, `${field}=%ff%fe`],
  ]),
];

/** In the place of an id. */
export const hostileIds = [
  'x'.repeat(128),
  'x'.repeat(129),
  '%00',
  '%ff',
  '%zz',
  '..%2f..%2fetc',
  '__proto__',
  '%20'.repeat(40),
  "'--",
];

const LONG = 'a'.repeat(limits.headerBytes / 2);

export const hostileHeaders: [string, string][] = [
  ['if-none-match', `"${LONG}"`],
  ['last-event-id', '18446744073709551615'],
  ['last-event-id', LONG],
  ['idempotency-key', LONG],
  ['x-request-id', LONG],
  ['traceparent', LONG],
  ['prefer', LONG],
  ['accept', `${'a/b,'.repeat(2000)}`],
  ['content-type', `application/json;${'a=b;'.repeat(2000)}`],
  ['content-encoding', 'gzip,'.repeat(1000)],
];
