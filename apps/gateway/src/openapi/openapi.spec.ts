import { openApiDocument } from './openapi';

describe('openApiDocument', () => {
  const { paths, components } = openApiDocument();

  it('takes ids from the path, fields of POST from the body and of GET from the query', () => {
    expect(paths['/v1/tasks/{id}']?.patch?.parameters).toMatchObject([{ name: 'id', in: 'path', required: true }]);
    expect(paths['/v1/tasks/{id}']?.patch).toHaveProperty(
      'requestBody.content.application/json.schema.properties.title',
    );
    expect(paths['/v1/tasks/{id}']?.patch).not.toHaveProperty(
      'requestBody.content.application/json.schema.properties.id',
    );
    expect(paths['/v1/tasks']?.get?.parameters).toContainEqual(expect.objectContaining({ name: 'limit', in: 'query' }));
    expect(paths['/v1/tasks']?.get).not.toHaveProperty('requestBody');
  });

  it('says the status of success', () => {
    expect(Object.keys(paths['/v1/tasks']?.post?.responses ?? {})).toEqual(['201', 'default']);
    expect(Object.keys(paths['/v1/auth/login']?.post?.responses ?? {})).toEqual(['200', 'default']);
    expect(Object.keys(paths['/v1/tasks/{id}']?.delete?.responses ?? {})).toEqual(['204', 'default']);
  });

  it('names the permission of each route, and which need no token', () => {
    expect(paths['/v1/tasks']?.post).toHaveProperty('x-permission', 'tasks:create');
    expect(paths['/v1/auth/login']?.post?.security).toEqual([]);
    expect(paths['/v1/auth/me']?.get).not.toHaveProperty('security');
  });

  it('shows of a dialect the schemas that it reads and writes by', () => {
    const { post } = paths['/v1/chat/completions'] ?? {};
    const contentOf = (status: string) => Object.entries(Object(post?.responses[status]).content);
    const refTo = (name: string) => ({ schema: { $ref: `#/components/schemas/${name}` } });
    expect(post).toMatchObject({ operationId: 'openai-chat', 'x-permission': 'runs:create', parameters: [] });
    expect(post).toHaveProperty(
      'requestBody.content.application/json.schema.properties.messages.items.$ref',
      '#/components/schemas/OpenAiRequestMessage',
    );
    expect(contentOf('200')).toEqual([
      ['application/json', refTo('OpenAiChatCompletion')],
      ['text/event-stream', { schema: { type: 'string' } }],
    ]);
    expect(contentOf('default')).toEqual([['application/json', refTo('OpenAiError')]]);
    expect(Object.keys(components?.schemas ?? {})).toEqual(
      expect.arrayContaining(['OpenAiChatCompletion', 'OpenAiError', 'OpenAiRequestMessage']),
    );
    expect(paths['/v1/models/{id}']?.get?.parameters).toMatchObject([{ name: 'id', in: 'path', required: true }]);
  });

  it('keeps internal methods to itself', () => {
    expect(JSON.stringify(paths)).not.toContain('orchestrator.run.startFor');
  });
});
