import type { CreateAgent } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { startStage, watch, type Stage, type User } from '../../replica.testing';
import { ScriptedTools, startScripted, type Line } from './scripted-agent.testing';

let stage: Stage;
let user: User;

beforeAll(async () => {
  stage = await startStage();
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

const scripted = (script: Line[], tools: ScriptedTools, fields: Partial<CreateAgent> = {}) =>
  startScripted(stage, user, script, tools, fields);
const problem = (code: string) => expect.objectContaining({ name: 'ProblemError', code });

describe('variables', () => {
  const tools = new ScriptedTools({});

  it('fill the system prompt, the run’s before the agent’s', async () => {
    const fields = {
      system_prompt: '{{greeting}} {{ name }} on {{current_date}}, {{not_mine}} {{{{name}}}}',
      variables: { greeting: 'Hello', name: null },
    };
    const { caller, replica, start } = await scripted([{ text: 'ok' }], tools, fields);
    await watch(user, replica, (await start({ name: 'Ada {{greeting}}' })).id);
    const today = new Date().toISOString().slice(0, 10);
    const name = 'Ada {{greeting}}';
    expect(caller.requests[0]?.messages[0]?.content).toBe(`Hello ${name} on ${today}, {{not_mine}} {{${name}}}`);
    await expect(start()).rejects.toEqual(problem('validation_failed'));
    await expect(start({ name: 'x', other: 'y' })).rejects.toEqual(problem('validation_failed'));
  });

  it('are not multiplied without end', async () => {
    const fields = { system_prompt: '{{a}}'.repeat(20_000), variables: { a: null } };
    const { start } = await scripted([{ text: 'ok' }], tools, fields);
    await expect(start({ a: 'x'.repeat(10_000) })).rejects.toEqual(problem('validation_failed'));
    await expect(start({ a: 'x' })).resolves.toMatchObject({ status: 'running' });
  });
});

describe('the cap on active runs', () => {
  it('is the plan’s, exactly, however many start at once', async () => {
    await stage.admin.query(
      `insert into subscriptions (tenant_id, id, plan_id, current_period_start) values ($1, $2, 'free', now())`,
      [user.tenant_id, v7()],
    );
    const gate = Promise.withResolvers<null>();
    const tools = new ScriptedTools({ one: () => gate.promise });
    const { replica, start } = await scripted([{ calls: [['one', {}]] }, { text: 'ok' }], tools);
    const runs = await Promise.allSettled(Array.from({ length: 12 }, () => start()));
    const refused = runs.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(7);
    for (const run of refused)
      expect(run).toMatchObject({ reason: { code: 'too_many_runs', extras: { retry_after: 5 } } });
    gate.resolve(null);
    await until(() => replica.executor.running.size === 0);
    await expect(start()).resolves.toMatchObject({ status: 'running' });
  });
});
