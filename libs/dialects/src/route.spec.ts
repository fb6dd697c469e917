import { dialectAt, dialects, routeOf } from './index';

const spokenAt = (url: string) => dialectAt(url, dialects)?.name;

describe('dialectAt', () => {
  it.each([
    ['/v1/chat/completions', 'openai-chat'],
    ['/v1/chat/completions?x=1', 'openai-chat'],
    ['/v1/chat/completions/', 'openai-chat'],
    ['/v1/embeddings', 'openai-embeddings'],
    ['/v1/models', 'openai-models'],
    ['/v1/models/openai%2Fgpt', 'openai-models'],
    ['/v1/chat', undefined],
    ['/v1/modelsx', undefined],
    ['/v1/agents', undefined],
    ['/', undefined],
    ['', undefined],
    ['/v1/tasks?a=/v1/models', undefined],
  ])('%s: %s', (url, name) => expect(spokenAt(url)).toBe(name));
});

it('names and routes are not given twice', () => {
  expect(new Set(dialects.map(({ name }) => name)).size).toBe(dialects.length);
  expect(new Set(dialects.map(({ http }) => http)).size).toBe(dialects.length);
});

it('lets those use a route who may call what it asks', () => {
  expect(dialects.map((dialect) => [dialect.name, routeOf(dialect).method.access])).toEqual([
    ['openai-chat', 'runs:create'],
    ['openai-embeddings', 'runs:create'],
    ['openai-models', 'agents:read'],
    ['openai-model', 'agents:read'],
  ]);
});
