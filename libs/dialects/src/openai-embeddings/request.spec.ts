import { embeddingsRequest } from './request';

const read = (body: unknown) => embeddingsRequest.read(body);

describe('a request of embeddings', () => {
  it('reads one text or many', () => {
    expect(read({ model: 'a/b', input: 'x' })).toMatchObject({ input: ['x'], encoding: 'float' });
    expect(read({ model: 'a/b', input: ['x', 'y'], dimensions: 8, encoding_format: 'base64' })).toEqual({
      model: 'a/b',
      input: ['x', 'y'],
      dimensions: 8,
      encoding: 'base64',
    });
  });

  it.each<[string, object]>([
    ['model', { model: undefined }],
    ['input', { input: undefined }],
    ['input', { input: [] }],
    ['input', { input: Array.from({ length: 2049 }, () => 'x') }],
    ['input', { input: '' }],
    ['input.1', { input: ['x', ''] }],
    ['input.1', { input: ['x', [1, 2]] }],
    ['dimensions', { dimensions: 0 }],
    ['encoding_format', { encoding_format: 'hex' }],
  ])('refuses %s', (path, fields) => {
    expect(() => read({ model: 'a/b', input: 'x', ...fields })).toThrow(
      expect.objectContaining({ code: 'validation_failed', extras: { errors: [expect.objectContaining({ path })] } }),
    );
  });
});
