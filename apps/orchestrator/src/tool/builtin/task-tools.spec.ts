import { ProblemError, taskPriorities, taskStatuses, type BoundMethod } from '@taai/contracts';
import { ContextTokens, Fernet, RpcClient, type CallOptions } from '@taai/platform';
import { makeFernetKey, makeJwk } from '@taai/platform-testing';
import { currentCaller, runAs, type Caller } from '@taai/tenant';
import { v7 } from 'uuid';
import type { ToolContext } from '../loaded-tool';
import { argumentsOf } from '../tool-arguments';
import { failure, toolContext } from '../tool.testing';
import { settle } from '../tool-result';
import { builtins } from './registry';
import { TaskAccess } from './task-access';

const tenant_id = v7();
const jwk = makeJwk('orchestrator');

/** Services that answer as they are told. What they are called with stands in `calls`. */
class Fleet extends RpcClient {
  readonly calls: { rpc: string; input: object; options: CallOptions; caller: Caller }[] = [];

  constructor(private readonly answers: Record<string, unknown>) {
    const tokens = new ContextTokens({ service: 'orchestrator', privateJwk: jwk, jwks: [jwk] });
    super({ service: 'orchestrator', redisUrl: 'redis://127.0.0.1:1', tokens, fernet: new Fernet([makeFernetKey()]) });
  }

  override async call({ rpc }: BoundMethod, input: object, options: CallOptions = {}): Promise<unknown> {
    this.calls.push({ rpc, input, options, caller: currentCaller() });
    const answer = this.answers[rpc];
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

const principal = { role: 'member', permissions: ['tasks:read'] };

/** Calls a builtin as a run does, in the background of the tenant. */
async function call(fleet: Fleet, name: string, args: object, context: ToolContext = toolContext()) {
  const builtin = builtins.get(name);
  if (!builtin) throw new Error(`There is no ${name}.`);
  const read = await argumentsOf(builtin, JSON.stringify(args));
  return runAs({ tenant_id, permissions: ['*:*'], issuer: 'orchestrator' }, () =>
    settle({ secrets: [], signal: context.signal }, () =>
      builtin.execute(read, context, { tasks: new TaskAccess(fleet) }),
    ),
  );
}

/** The schema that the model is told, without the descriptions, of which no field may lack one. */
function told(name: string): object {
  const { properties, ...schema } = builtins.get(name)?.input_schema ?? {};
  const fields = Object.entries(properties as Record<string, { description: string }>);
  const rules = fields.map(([field, { description, ...rest }]) => {
    expect(description).toMatch(/\.$/);
    return [field, rest] as const;
  });
  return { ...schema, properties: Object.fromEntries(rules) };
}

describe('task tools', () => {
  const id = v7();
  const cases = [
    ['create_task', 'task.create', { title: 'Call Bob', priority: 'high', due_at: null }],
    ['search_tasks', 'task.list', { status: 'todo', limit: 5 }],
    ['update_task', 'task.update', { id, status: 'done' }],
  ] as const;

  it.each(cases)('%s acts as the user, who may do what they may now', async (name, rpc, args) => {
    const answer = name === 'search_tasks' ? { data: [], has_more: false, next_cursor: null } : { id };
    const fleet = new Fleet({ 'auth.access.user': principal, [rpc]: answer });
    const context = toolContext({ api_key_id: v7() });
    expect(await call(fleet, name, args, context)).toEqual(answer);
    const { user_id, api_key_id, execution_id } = context;
    expect(fleet.calls).toMatchObject([
      { rpc: 'auth.access.user', input: { user_id, api_key_id }, caller: { tenant_id } },
      {
        rpc,
        input: args,
        options: { idempotency_key: execution_id },
        caller: { ...principal, tenant_id, user_id, api_key_id, issuer: 'orchestrator' },
      },
    ]);
    expect(fleet.calls[1]?.caller.permissions).toEqual(['tasks:read']);
  });

  it.each([
    ['unauthenticated', { 'auth.access.user': new ProblemError('unauthenticated') }],
    ['tenant_suspended', { 'auth.access.user': new ProblemError('tenant_suspended') }],
    [
      'forbidden',
      { 'auth.access.user': principal, 'task.create': new ProblemError('forbidden', 'tasks:create is needed.') },
    ],
    [
      'validation_failed',
      { 'auth.access.user': principal, 'task.create': new ProblemError('validation_failed', 'due_at: no.') },
    ],
  ])('fail with %s', async (code, answers) => {
    await expect(call(new Fleet(answers), 'create_task', { title: 'A' })).rejects.toEqual(failure(code));
  });

  it('do nothing for a run without a user', async () => {
    const fleet = new Fleet({});
    const refused = call(fleet, 'create_task', { title: 'A' }, toolContext({ user_id: null }));
    await expect(refused).rejects.toEqual(failure('unauthenticated'));
    expect(fleet.calls).toEqual([]);
  });

  it.each([
    ['create_task', {}],
    ['create_task', { title: '' }],
    ['create_task', { title: 'x'.repeat(501) }],
    ['create_task', { title: 'A', status: 'open' }],
    ['create_task', { title: 'A', assignee_id: 'bob' }],
    ['create_task', { title: 'A', labels: [''] }],
    ['create_task', { title: 'A', labels: 'work' }],
    ['create_task', { title: 'A', tenant_id: v7() }],
    ['search_tasks', { limit: 0 }],
    ['search_tasks', { limit: '5' }],
    ['search_tasks', { assignee_id: "' or 1=1" }],
    ['update_task', { id }],
    ['update_task', { title: 'A' }],
    ['update_task', { id: '1', title: 'A' }],
    ['update_task', { id, title: null }],
  ])('%s refuses %j', async (name, args) => {
    const fleet = new Fleet({});
    await expect(call(fleet, name, args)).rejects.toEqual(failure('invalid_arguments'));
    expect(fleet.calls).toEqual([]);
  });

  it('take what the contract takes, and tell the model of each field', () => {
    const uuid = { type: 'string', format: 'uuid', pattern: expect.stringMatching(/^\^.*\$$/) };
    const title = { type: 'string', minLength: 1, maxLength: 500 };
    const [status, priority] = [taskStatuses, taskPriorities].map((values) => ({ type: 'string', enum: values }));
    const label = { type: 'string', maxLength: 50 };
    const fields = {
      title,
      description: { type: ['string', 'null'], maxLength: 20_000 },
      status,
      priority,
      due_at: { type: ['string', 'null'], format: 'date-time' },
      assignee_id: { ...uuid, type: ['string', 'null'] },
      labels: { type: 'array', maxItems: 50, items: { ...label, minLength: 1 } },
    };
    const closed = { type: 'object', additionalProperties: false };
    expect(told('create_task')).toEqual({ ...closed, properties: fields, required: ['title'] });
    const changed = { ...closed, properties: { ...fields, id: uuid }, required: ['id'], minProperties: 2 };
    expect(told('update_task')).toEqual(changed);
    const filters = { status, priority, assignee_id: uuid, label, due_before: { type: 'string', format: 'date-time' } };
    const page = {
      limit: { type: 'integer', minimum: 1, maximum: 50, default: 20 },
      cursor: { type: 'string', maxLength: 512 },
    };
    expect(told('search_tasks')).toEqual({ ...closed, properties: { ...filters, ...page }, required: [] });
  });

  it('find as many tasks as a result can hold', async () => {
    const data = Array.from({ length: 50 }, (_, n) => ({
      id: n,
      title: 'x'.repeat(500),
      description: 'ü'.repeat(20_000),
    }));
    const fleet = new Fleet({
      'auth.access.user': principal,
      'task.list': { data, has_more: false, next_cursor: null },
    });
    const found = (await call(fleet, 'search_tasks', {})) as { data: { description: string }[]; note: string };
    expect(found.data.length).toBeGreaterThan(10);
    expect(found.data[0]?.description).toHaveLength(2001);
    expect(found.note).toBe(`Only ${found.data.length} tasks fit: ask again with this limit.`);
  });
});
