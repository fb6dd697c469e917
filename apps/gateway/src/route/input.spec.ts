import { CreateTask, Empty, ListTasks, ProblemError, StartRunFor } from '@taai/contracts';
import { assertValidationWorks, validation } from './input';

const validate = (value: unknown, metatype: new () => object) =>
  validation.transform(value, { type: 'custom', metatype });

const errorsOf = async (value: unknown, metatype: new () => object) => {
  const error: unknown = await validate(value, metatype).catch((caught: unknown) => caught);
  return error instanceof ProblemError ? error.extras.errors?.map(({ path }) => path) : undefined;
};

describe('validation', () => {
  it('is in force', async () => {
    await expect(assertValidationWorks()).resolves.toBeUndefined();
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

  it('lets null through only where the contract does', async () => {
    await expect(validate({ title: 'x', due_at: null }, CreateTask)).resolves.toMatchObject({ due_at: null });
    expect(await errorsOf({ title: null }, CreateTask)).toEqual(['title']);
  });
});
