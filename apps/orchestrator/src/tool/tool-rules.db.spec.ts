import type { CreateTool } from '@taai/contracts';
import { builtinTool, httpTool, mcpTool } from './tool-fixtures.testing';
import { startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let replica: Replica;
let user: User;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

const create = (fields: Partial<CreateTool> = {}) => user.as(() => replica.tools.create({ ...httpTool, ...fields }));
const update = (id: string, fields: object) => user.as(() => replica.tools.update({ id, ...fields }));
const problem = (code: string, message: unknown = expect.any(String)): unknown =>
  expect.objectContaining({ name: 'ProblemError', code, message });

describe('a tool that could not work is refused:', () => {
  const url = 'https://api.example.com/';
  const schema = (properties: object) => ({ type: 'object', properties });
  const cases: [string, Partial<CreateTool>, string][] = [
    ['no description', { description: undefined }, 'description must tell the model'],
    ['no schema', { input_schema: undefined }, 'input_schema must be the JSON schema'],
    ['a schema of no object', { input_schema: { type: 'string' } }, 'one of an object'],
    [
      'a malformed schema',
      { input_schema: schema({ id: { type: 'text' } }) },
      'input_schema cannot be used: The schema is malformed: properties.id.type must be one of the following values',
    ],
    [
      'a schema of itself',
      { input_schema: schema({ id: { $ref: '#/properties/id' } }) },
      'properties.id refers to itself without end',
    ],
    [
      'a schema of itself by its name',
      { input_schema: { ...schema({}), $id: 'https://a.b/c', $ref: 'https://a.b/c' } },
      'cannot be used',
    ],
    ['a broken pattern', { input_schema: schema({ id: { pattern: '(' } }) }, 'Invalid regular expression'],
    ['a schema elsewhere', { input_schema: schema({ id: { $ref: `${url}schema` } }) }, "can't resolve reference"],
    ['a large schema', { input_schema: { ...schema({ id: {} }), title: 'x'.repeat(70_000) } }, 'larger than 64 kB'],
    ['no config', { config: {} }, 'config.method must be present'],
    ['an unknown method', { config: { method: 'TRACE', url } }, 'config.method'],
    ['an unknown field', { config: { method: 'GET', url, follow: true } }, 'config.follow should not exist'],
    ['no time at all', { config: { method: 'GET', url, timeout_ms: 0 } }, 'config.timeout_ms'],
    ['too much time', { config: { method: 'GET', url, timeout_ms: 600_000 } }, 'config.timeout_ms'],
    ['a host from arguments', { config: { method: 'GET', url: 'https://{{id}}/' } }, 'config.url may have arguments'],
    ['an unknown argument', { config: { method: 'GET', url: `${url}{{user}}` } }, 'names {{user}}'],
    ['an inherited argument', { config: { method: 'GET', url: `${url}{{constructor}}` } }, 'names {{constructor}}'],
    ['a body of a GET', { config: { method: 'GET', url, body: {} } }, 'config.body must be absent'],
    [
      'a reserved header',
      { config: { method: 'GET', url, headers: { Host: 'x' } } },
      'config.headers.Host is no header',
    ],
    ['a broken header', { config: { method: 'GET', url, headers: { 'a b': 'x' } } }, 'config.headers.a b is no header'],
    [
      'a key in plain sight',
      { config: { method: 'GET', url, headers: { 'X-Api-Key': 'x' } } },
      'belongs into secret_headers',
    ],
    ['a reserved secret header', { secret_headers: { 'content-length': '1' } }, 'secret_headers.content-length'],
    ['a secret with a line break', { secret_headers: { authorization: 'a\r\nx: y' } }, 'ASCII without line breaks'],
    [
      'a secret that is no text',
      { secret_headers: { authorization: 7 as unknown as string } },
      'secret_headers.authorization',
    ],
    [
      'many secrets',
      { secret_headers: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`x-${n}`, 'x'])) },
      'secret_headers',
    ],
    ['an unknown builtin', { ...builtinTool, input_schema: undefined, config: { builtin: 'shell' } }, 'config.builtin'],
    ['a schema of a builtin', builtinTool, 'input_schema must be absent'],
    [
      'a secret of a builtin',
      { ...builtinTool, input_schema: undefined, secret_headers: { a: 'b' } },
      'secret_headers must be absent',
    ],
    ['a schema of a server', mcpTool, 'input_schema must be absent'],
    [
      'a command',
      { ...mcpTool, input_schema: undefined, config: { command: 'sh' } },
      'config.command should not exist',
    ],
  ];

  it.each(cases)('%s', async (_, fields, reason) => {
    await expect(create(fields)).rejects.toEqual(problem('validation_failed', expect.stringContaining(reason)));
    expect((await user.as(() => replica.tools.list({ limit: 20 }))).data).toEqual([]);
  });

  it.each([
    'http://10.0.0.1/',
    'http://169.254.169.254/x',
    'http://[::1]:80/',
    'ftp://example.com/',
    'https://a:b@example.com/',
  ])('a server at %s', async (url) => {
    const { id } = await create({ ...mcpTool, input_schema: undefined });
    await expect(update(id, { config: { url } })).rejects.toEqual(problem('url_not_allowed'));
    const fields = { config: { method: 'GET', url } };
    await expect(create(fields)).rejects.toEqual(problem('url_not_allowed'));
  });

  it('with a change, too, which changes nothing', async () => {
    const tool = await create();
    const input_schema = schema({ other: {} });
    await expect(update(tool.id, { input_schema })).rejects.toEqual(
      problem('validation_failed', expect.stringContaining('names {{id}}')),
    );
    expect(await user.as(() => replica.tools.get(tool.id))).toEqual(tool);
  });
});
