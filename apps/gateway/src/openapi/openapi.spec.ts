import { eventTypes, permissions, runEvents } from '@taai/contracts';
import { dialects } from '@taai/dialects';
import { Ajv2020 } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { openApiDocument } from './openapi';

describe('openApiDocument', () => {
  const document = openApiDocument();
  const { paths, components } = document;
  const operations = Object.values({ ...paths, ...document.webhooks }).flatMap((item) =>
    Object.values(item as Record<string, Operation>),
  );

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

  it('closes inputs, and leaves answers open', () => {
    expect(paths['/v1/tasks']?.post).toHaveProperty(
      'requestBody.content.application/json.schema.additionalProperties',
      false,
    );
    const closed = Object.entries(components?.schemas ?? {}).filter(([, schema]) => 'additionalProperties' in schema);
    expect(closed.map(([name]) => name)).toEqual(expect.arrayContaining(['FallbackInput', 'TokenPricesInput']));
    expect(closed.filter(([name]) => !name.endsWith('Input'))).toEqual([]);
  });

  it('describes every operation, in a sentence, under a name of its own', () => {
    const silent = operations.filter(({ description = '' }) => !/\.$/.test(description));
    const theirs = (id = '') => dialects.some(({ name }) => name === id);
    expect(silent.map(({ operationId }) => operationId).filter((id) => !theirs(id))).toEqual([]);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(document['x-permissions']).toBe(permissions);
  });

  it('shows examples that fit their schemas', () => {
    const ajv = new Ajv2020({ strict: false });
    addFormats.default(ajv);
    ajv.addSchema({ $id: 'openapi', components });
    const shown = operations.flatMap(examplesOf);
    const failing = shown.flatMap(({ of, schema, example }) => {
      const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/')) as object;
      return ajv.validate(local, example) ? [] : [`${of}: ${ajv.errorsText()}`];
    });
    expect(shown.length).toBeGreaterThan(operations.length);
    expect(failing).toEqual([]);
  });

  it('tells the events of streams and webhooks apart by their type', () => {
    const { RunEvent, DomainEvent } = components?.schemas ?? {};
    expect(RunEvent).toMatchObject({ discriminator: { propertyName: 'event' } });
    expect(mappingOf(RunEvent)).toEqual([...Object.keys(runEvents.types), 'error']);
    expect(mappingOf(DomainEvent)).toEqual(eventTypes);
    expect(Object.keys(document.webhooks ?? {})).toEqual(eventTypes);
    const stream = { 'text/event-stream': { schema: { $ref: '#/components/schemas/RunEvent' } } };
    expect(paths['/v1/runs/{id}/events']?.get?.responses['200']).toMatchObject({ content: stream });
    expect(paths['/v1/agents/{id}/runs']?.post?.responses['200']).toMatchObject({
      content: { ...stream, 'application/json': { schema: { $ref: '#/components/schemas/Run' } } },
    });
  });
});

interface Shown {
  schema: object;
  example?: unknown;
}

interface Operation {
  operationId: string;
  description?: string;
  parameters?: Shown[];
  requestBody?: { content: Record<string, Shown> };
  responses: Record<string, { content?: Record<string, Shown> }>;
}

function examplesOf({ operationId: of, parameters = [], requestBody, responses }: Operation) {
  const bodies = [requestBody, ...Object.values(responses)].flatMap((one) => Object.values(one?.content ?? {}));
  return [...parameters, ...bodies].filter(({ example }) => example !== undefined).map((one) => ({ of, ...one }));
}

const mappingOf = (schema: object = {}): string[] =>
  Object.keys(('discriminator' in schema && (schema.discriminator as { mapping?: object }).mapping) || {});
