import { assertDescribed, exampleOf } from './example';

const text = { type: 'string', examples: ['a'] };

describe('exampleOf', () => {
  const schemas = {
    Inner: { type: 'object', properties: { text } },
    Silent: { type: 'object', properties: { name: { type: 'string' } } },
  };

  it.each([
    [{ type: ['string', 'null'], examples: [null] }, null],
    [{ type: 'integer', default: 20 }, 20],
    [{ type: 'string', enum: ['low', 'high'] }, 'low'],
    [{ type: 'boolean' }, true],
    [{ type: 'array', items: { $ref: '#/components/schemas/Inner' } }, [{ text: 'a' }]],
    [{ anyOf: [{ $ref: '#/components/schemas/Inner' }, { type: 'null' }] }, { text: 'a' }],
    [{ oneOf: [{ $ref: '#/components/schemas/Inner' }] }, { text: 'a' }],
    [{ type: 'object', properties: {} }, {}],
  ])('of %j is %j', (schema, example) => {
    expect(exampleOf(schema, schemas, 'it')).toEqual(example);
  });

  it('fails where nothing shows one', () => {
    expect(() => exampleOf({ $ref: '#/components/schemas/Silent' }, schemas, 'it')).toThrow(
      /Silent.name has no example/,
    );
  });
});

describe('assertDescribed', () => {
  it('fails for a field that nothing is said of', () => {
    expect(() => assertDescribed({ properties: { name: { description: 'Says it.' }, age: {} } }, 'User')).toThrow(
      /User.age has no description/,
    );
  });
});
