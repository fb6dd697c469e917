import { sample } from './sample';

it.each([
  [{}, {}],
  [{ type: 'object', properties: { a: { type: 'string' }, b: {} }, required: ['a'] }, { a: 'sandbox' }],
  [{ type: 'STRING', minLength: 9 }, 'sandbox..'],
  [{ type: ['integer', 'null'], minimum: 7 }, 7],
  [{ type: 'array', items: { type: 'boolean' }, minItems: 2 }, [false, false]],
  [{ enum: ['red', 'blue'] }, 'red'],
  [{ const: null }, null],
  [{ anyOf: [{ type: 'null' }, { type: 'number' }] }, null],
  [{ type: 'object', required: ['unknown'] }, { unknown: {} }],
])('%j', (schema, value) => {
  expect(sample(schema)).toEqual(value);
});

it('ends where a schema does not', () => {
  const schema: Record<string, unknown> = { type: 'object', required: ['again'] };
  schema['properties'] = { again: schema };
  expect(JSON.stringify(sample(schema)).length).toBeLessThan(500);
});
