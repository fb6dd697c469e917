import {
  ById,
  contract,
  Conversation,
  CreateAgent,
  CreateTask,
  Empty,
  ListTasks,
  ProblemError,
  PutPrice,
  StartRun,
  StartRunFor,
} from '@taai/contracts';
import { authorize } from '@taai/rbac';
import { assertValidationWorks, readPayload, validation } from './validation';

const validate = async (value: object, metatype: new () => object) =>
  validation.transform(value, { type: 'custom', metatype });

const errorsOf = async (value: object, metatype: new () => object) => {
  const error: unknown = await validate(value, metatype).catch((caught: unknown) => caught);
  return error instanceof ProblemError ? error.extras.errors?.map(({ path }) => path) : undefined;
};

describe('validation', () => {
  it('is in force', async () => {
    expect(() => assertValidationWorks()).not.toThrow();
  });

  it('turns query text into numbers and sets defaults', async () => {
    await expect(validate({ limit: '5' }, ListTasks)).resolves.toMatchObject({ limit: 5 });
    await expect(validate({}, ListTasks)).resolves.toMatchObject({ limit: 20 });
  });

  it('names each fault by its path, nested ones too', async () => {
    expect(await errorsOf({ title: '', colour: 'red' }, CreateTask)).toEqual(['colour', 'title']);
    const run = {
      agent_id: 'x',
      conversation_id: 'x',
      run_id: 'x',
      messages: [
        { role: 'user', content: 'a' },
        { role: 'judge', content: 7 },
      ],
    };
    expect(await errorsOf(run, StartRunFor)).toEqual([
      'agent_id',
      'conversation_id',
      'run_id',
      'messages.1.role',
      'messages.1.content',
    ]);
  });

  it('takes nothing where the contract takes nothing', async () => {
    await expect(validate({}, Empty)).resolves.toEqual({});
    expect(await errorsOf({ surprise: 1 }, Empty)).toEqual(['surprise']);
  });

  it('reads digits as a number, and nothing else', async () => {
    for (const limit of ['0x10', '1e1', ' 7', '', '7,', ['1', '2']])
      expect(await errorsOf({ limit }, ListTasks)).toEqual(['limit']);
  });

  it('asks for nested objects, which are no lists', async () => {
    const price = { provider_kind: 'openai', model: 'gpt' };
    expect(await errorsOf(price, PutPrice)).toEqual(['price']);
    expect(await errorsOf({ ...price, price: [] }, PutPrice)).toEqual(['price']);
    expect(await errorsOf({ ...price, price: {} }, PutPrice)).toEqual(['price.input_price', 'price.output_price']);
    await expect(validate({ ...price, price: null }, PutPrice)).resolves.toMatchObject({ price: null });
  });

  it.each(['constructor', '__proto__', 'prototype', 'toString', 'hasOwnProperty'])(
    'knows no field %s',
    async (name) => {
      const task = JSON.parse(`{"title":"x","${name}":{"title":1}}`) as object;
      expect(await errorsOf(task, CreateTask)).toEqual([name]);
    },
  );

  it('looks no further than at 20 unknown fields, and at no list that is too long', async () => {
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`k${at}`, at]));
    expect(await errorsOf(many, CreateTask)).toHaveLength(20);
    const fallbacks = Array.from({ length: 5000 }, () => ({ nothing: 1 }));
    expect(await errorsOf({ fallbacks }, CreateAgent)).toEqual(['fallbacks']);
  });

  it('leaves free-form objects as they are', async () => {
    const metadata = { deep: { constructor: 'x', list: [{ a: 1 }] } };
    const run: object = await validate({ input: 'x', metadata, id: '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42' }, StartRun);
    expect(run).toHaveProperty('metadata', metadata);
  });

  it('lets null through only where the contract does', async () => {
    await expect(validate({ title: 'x', due_at: null }, CreateTask)).resolves.toMatchObject({ due_at: null });
    expect(await errorsOf({ title: null }, CreateTask)).toEqual(['title']);
  });
});

/** As a contract declares it. */
const chat = contract('chat.room', {
  join: {
    summary: 'Join a conversation',
    socket: { namespace: '/chat', event: 'conversation:join' },
    access: 'conversations:read',
    input: ById,
    output: Conversation,
    effect: 'safe',
  },
});

describe("a socket's event", () => {
  const { join } = chat.methods;
  const id = '01980c8e-7c2b-7d6e-9f3a-5b1f0c9a7e42';

  it('has the input of its contract', async () => {
    const input: ById = await readPayload(join, { id });
    expect(input).toBeInstanceOf(ById);
    expect(input).toEqual({ id });
    await expect(readPayload(join, { id: 'x', more: 1 })).rejects.toMatchObject({
      code: 'validation_failed',
      extras: { errors: [{ path: 'more' }, { path: 'id' }] },
    });
    for (const payload of [undefined, null, 'text', [{ id }]])
      await expect(readPayload(join, payload)).rejects.toMatchObject({ code: 'malformed_request' });
  });

  it('is open to who has its permission, by no route', () => {
    const caller = { tenant_id: id, permissions: ['conversations:read'], issuer: 'gateway' as const };
    expect(() => authorize(join, caller)).not.toThrow();
    expect(() => authorize(join, { ...caller, permissions: [] })).toThrow(/conversations:read is needed/);
    expect(join).not.toHaveProperty('http');
  });
});
