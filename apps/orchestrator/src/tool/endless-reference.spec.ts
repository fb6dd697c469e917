import { endlessReference } from './endless-reference';

const tree = { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } };
const inA = (a: object) => ({ type: 'object', properties: { a } });

describe('a schema that refers to itself', () => {
  it.each<[string, Record<string, unknown>]>([
    ['for the children of a tree', tree],
    ['for a property', { $defs: { x: inA({ $ref: '#/$defs/x' }) }, $ref: '#/$defs/x' }],
    ['for no part', { ...inA({ $ref: '#/$defs/x' }), $defs: { x: { type: 'string' } } }],
    ['by what is not there', inA({ $ref: '#/$defs/nothing' })],
    ['in two ways that end', inA({ allOf: [{ $ref: '#/$defs/x' }, { $ref: '#/$defs/x' }], $defs: {} })],
  ])('%s has an end', (_, schema) => {
    expect(endlessReference(schema)).toBeUndefined();
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['it', 'at once', { $ref: '#' }],
    ['it', 'among alternatives', { anyOf: [{ type: 'string' }, { $ref: '#' }] }],
    ['properties.a', 'in a property', inA({ $ref: '#/properties/a' })],
    [
      'properties.a',
      'by way of another',
      { ...inA({ not: { $ref: '#/$defs/x%20y' } }), $defs: { 'x y': { $ref: '#/properties/a' } } },
    ],
    ['properties.a', 'where a field is present', inA({ dependentSchemas: { b: { $ref: '#/properties/a' } } })],
  ])('%s does so without end: %s', (path, _, schema) => {
    expect(endlessReference(schema)).toBe(path);
  });

  it('is looked at once, however many ways there are', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`d${at}`, { allOf: Array(9).fill({ $ref: `#/$defs/d${at + 1}` }) }]),
    );
    expect(endlessReference({ $ref: '#/$defs/d0', $defs })).toBeUndefined();
  });
});
