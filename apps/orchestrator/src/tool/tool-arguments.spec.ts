import { argumentsOf } from './tool-arguments';
import { schemas } from './tool-schema';
import { failure } from './tool.testing';

afterAll(() => schemas.stop());

const input_schema = {
  type: 'object',
  properties: {
    title: { type: 'string', minLength: 1 },
    priority: { enum: ['low', 'high'] },
    count: { type: 'integer' },
  },
  required: ['title'],
  additionalProperties: false,
};

const read = (text: string, schema: object = input_schema) => argumentsOf({ input_schema: { ...schema } }, text);
const refusal = (text: string, message: unknown, schema?: object) =>
  expect(read(text, schema)).rejects.toEqual(failure('invalid_arguments', message));

describe('arguments', () => {
  it('that fit are as the model wrote them', async () => {
    await expect(read('{"title":"A","priority":"low","count":3}')).resolves.toEqual({
      title: 'A',
      priority: 'low',
      count: 3,
    });
  });

  it('may be left out where none are needed', async () => {
    await expect(read('', { type: 'object' })).resolves.toEqual({});
    await refusal(' ', expect.stringContaining('title must be present'));
  });

  it.each([
    ['{"title":', 'They are not JSON'],
    ['[]', 'one JSON object'],
    ['"title"', 'one JSON object'],
    ['null', 'one JSON object'],
    ['{"title":7}', 'title must be a string'],
    ['{"title":"A","count":"3"}', 'count must be an integer number'],
    ['{"title":"A","priority":"urgent"}', 'priority must be one of the following values: low, high'],
    ['{"title":"A","done":true}', 'done should not exist'],
    ['{"title":"A\\u0000"}', 'without NUL'],
    ['{"title":"\\ud800"}', 'Unicode text'],
    [`{"title":${'['.repeat(5000)}${']'.repeat(5000)}}`, 'nested deeper'],
    [`{"title":"${'a'.repeat(300_000)}"}`, 'longer than 256 kB'],
  ])('are refused with the reason (%#)', async (text, reason) => {
    await refusal(text, expect.stringContaining(reason));
  });

  it('names all that is wrong at once', async () => {
    await refusal(
      '{"count":"3","x":1}',
      expect.stringMatching(/title must be present.*x should not exist.*count must be/),
    );
  });

  it('are refused in words when they fit too many of a schema’s alternatives', async () => {
    const schema = { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] };
    await refusal('{"a":1,"b":1}', expect.stringContaining('it must match exactly one schema in oneOf'), schema);
  });

  it('are not taken for fitting by what every object inherits', async () => {
    await refusal('{}', expect.stringContaining('constructor must be present'), {
      type: 'object',
      required: ['constructor'],
    });
    await expect(read('{"__proto__":{"admin":true}}', { type: 'object' })).resolves.not.toHaveProperty('admin');
  });
});

describe('a hostile schema', () => {
  it.each([
    ['a pattern that never ends', { type: 'object', properties: { a: { pattern: '^(a+)+$' } } }],
    [
      'alternatives without number',
      {
        type: 'object',
        properties: { a: { $ref: '#/$defs/x' } },
        $defs: {
          x: { anyOf: Array(30).fill({ type: 'object', properties: { x: { $ref: '#/$defs/x' } }, required: ['y'] }) },
        },
      },
    ],
  ])('with %s is interrupted', async (_, schema) => {
    const nested = '{"x":'.repeat(20) + '1' + '}'.repeat(20);
    await refusal(
      `{"a":${'pattern' in schema.properties.a ? `"${'a'.repeat(50)}!"` : nested}}`,
      expect.stringContaining('too long'),
      schema,
    );
  });

  it.each([
    ['that refers to another server', { type: 'object', properties: { a: { $ref: 'http://127.0.0.1/a.json' } } }],
    ['that is none', { type: 'object', properties: { a: { type: 'text' } } }],
    ['of no object', { type: 'string' }],
    ['with a broken pattern', { type: 'object', properties: { a: { pattern: '(' } } }],
    ['that refers to itself', { type: 'object', $ref: '#' }],
    ['that is too large', { type: 'object', description: 'a'.repeat(70_000) }],
  ])('%s is not used', async (_, schema) => {
    await expect(read('{}', schema)).rejects.toEqual(failure('invalid_schema'));
  });

  it('is followed as deep as the value goes', async () => {
    const tree = { type: 'object', properties: { children: { type: 'array', items: { $ref: '#' } } } };
    await expect(read('{"children":[{"children":[]}]}', tree)).resolves.toEqual({ children: [{ children: [] }] });
    await refusal(
      '{"children":[{"children":7}]}',
      expect.stringContaining('children.0.children must be an array'),
      tree,
    );
  });

  it('does not meet another one by its $id', async () => {
    const [one, other] = ['string', 'number'].map((type) => ({
      type: 'object',
      $id: 'https://example.com/same',
      properties: { a: { type } },
    }));
    await expect(read('{"a":"text"}', one)).resolves.toEqual({ a: 'text' });
    await expect(read('{"a":1}', other)).resolves.toEqual({ a: 1 });
  });
});

it.each(['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft/2020-12/schema'])(
  'reads %s',
  async ($schema) => {
    await expect(read('{"a":1}', { $schema, type: 'object', properties: { a: { type: 'number' } } })).resolves.toEqual({
      a: 1,
    });
  },
);
