import { modelReply, modelsReply } from './reply';
import { modelRequest, modelsRequest } from './request';

const offered = { id: 'main/gpt', created_at: '2026-01-02T03:04:05.678Z', owned_by: 'main' };
const model = { id: 'main/gpt', object: 'model', created: 1_767_323_045, owned_by: 'main' };

it('lists models and shows one, with the second of its creation', () => {
  expect(JSON.parse(modelsReply.write([offered]))).toEqual({ object: 'list', data: [model] });
  expect(JSON.parse(modelReply.write(offered))).toEqual(model);
});

it.each<[string, () => unknown]>([
  ['x', () => modelsRequest.read({ x: '1' })],
  ['x', () => modelRequest.read({ id: 'main/gpt', x: '1' })],
  ['id', () => modelRequest.read({ id: 'x'.repeat(301) })],
])('refuses %s', (path, read) => {
  expect(read).toThrow(expect.objectContaining({ extras: { errors: [expect.objectContaining({ path })] } }));
});
