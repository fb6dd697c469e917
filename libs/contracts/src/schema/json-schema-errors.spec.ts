import { Ajv } from 'ajv';
import { schemaErrors } from './json-schema-errors';

/** What is wrong with the value: `path: message` each. */
function faults(schema: object, value: unknown, allErrors = false): string[] {
  const fits = new Ajv({ allErrors, strict: false }).compile(schema);
  fits(value);
  return schemaErrors(fits.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
}

const textOrTexts = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };

describe('schemaErrors', () => {
  it.each<[object, unknown, string]>([
    [{ type: 'string' }, 1, 'must be a string'],
    [{ type: ['number', 'null'] }, 'x', 'must be a number'],
    [{ type: 'boolean' }, 1, 'must be a boolean value'],
    [{ type: 'integer' }, 1.5, 'must be an integer number'],
    [{ enum: ['a', 'b', null] }, 'c', 'must be one of the following values: a, b'],
    [{ minimum: 1 }, 0, 'must not be less than 1'],
    [{ maximum: 1 }, 2, 'must not be greater than 1'],
    [{ minLength: 2 }, 'x', 'must be longer than or equal to 2 characters'],
    [{ maxLength: 1 }, 'xy', 'must be shorter than or equal to 1 characters'],
    [{ minItems: 1 }, [], 'must contain at least 1 elements'],
    [{ maxItems: 1 }, [1, 2], 'must contain no more than 1 elements'],
    [{ pattern: '^a$' }, 'b', 'must match /^a$/ regular expression'],
    [{ const: { y: 2 } }, 1, 'must be equal to {"y":2}'],
    [{ maxProperties: 0 }, { a: 1 }, 'must not have more than 0 properties'],
    [textOrTexts, 1, 'must be a string or an array'],
  ])('%j of %j', (schema, value, message) => {
    expect(faults({ properties: { field: schema } }, { field: value })).toEqual([`field: ${message}`]);
  });

  it('names the field, however deep, and those that are missing or too many', () => {
    const item = { required: ['b'], properties: { 'x/y': { type: 'string' } }, additionalProperties: false };
    const list = { properties: { a: { items: item } } };
    expect(faults(list, { a: [{}] })).toEqual(['a.0.b: must be present']);
    expect(faults({ ...item, required: [] }, { c: 1 })).toEqual(['c: should not exist']);
    expect(faults({ ...item, required: [] }, { 'x/y': 1 })).toEqual(['x/y: must be a string']);
  });

  it('of several types tells what is wrong with the one that was sent', () => {
    const field = {
      anyOf: [
        { type: 'string', enum: ['auto'] },
        { type: 'object', required: ['name'] },
      ],
    };
    expect(faults(field, 'any')).toEqual([': must be one of the following values: auto']);
    expect(faults(field, {})).toEqual(['name: must be present']);
    expect(faults(textOrTexts, ['x', 1])).toEqual(['1: must be a string']);
  });

  it('tells of a value that fits too many schemas at once', () => {
    const field = { oneOf: [{ type: 'string' }, { maxLength: 3 }] };
    expect(faults({ properties: { field } }, { field: 'x' })).toEqual([
      'field: must match exactly one schema in oneOf',
    ]);
    expect(faults({ properties: { field, other: { minimum: 1 } } }, { field: 'x', other: 0 }, true)).toEqual([
      'field: must match exactly one schema in oneOf',
      'other: must not be less than 1',
    ]);
  });

  it('has the path of what was compared before its own', () => {
    const fits = new Ajv({ strict: false }).compile({ required: ['url'] });
    fits({});
    expect(schemaErrors(fits.errors ?? [], 'config')).toEqual([{ path: 'config.url', message: 'must be present' }]);
  });

  it('tells all of them', () => {
    const schema = { properties: { a: { type: 'string' }, b: { minimum: 1 } } };
    expect(faults(schema, { a: 1, b: 0 }, true).sort()).toEqual(['a: must be a string', 'b: must not be less than 1']);
  });
});
