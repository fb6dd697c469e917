import { keys } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { ledger, newAgent, startStage, watch, type Replica, type Stage, type User } from '../replica.testing';
import { ScriptedCaller, ScriptedTools, type Line } from './scripted-agent.testing';

let stage: Stage;
let user: User;

beforeAll(async () => {
  stage = await startStage();
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

const script: Line[] = [
  {
    text: 'Now.',
    calls: [
      ['one', { n: 1 }],
      ['two', { n: 2 }],
    ],
  },
  { text: 'Done.' },
];

const traits = (is_repeatable: boolean) => ({ two: { is_repeatable } });

/** A run whose replica hangs in the second of two calls, and then seems dead; and the replica that takes it up. */
async function interrupted(is_repeatable: boolean) {
  const hangs = () => new Promise(() => undefined);
  const before = new ScriptedTools({ one: () => 'first', two: hangs }, traits(is_repeatable));
  const after = new ScriptedTools({ one: () => 'again', two: () => 'second' }, traits(is_repeatable));
  const dying = replicaWith(before);
  const heir = replicaWith(after);
  const agent = await newAgent(user, dying, stage);
  await stage.admin.query(`update agents set tools = '{one,two}' where id = $1`, [agent.id]);
  const { id } = await user.as(() => dying.starter.start({ id: agent.id, input: 'Go' }));
  const states = async () => (await inspect(dying, id)).steps[0]?.tool_calls.map(({ status }) => status);
  await until(async () => (await states())?.join() === 'completed,running');
  await stage.admin.query(`update agent_runs set lease_until = now() - interval '1 s' where id = $1`, [id]);
  return { dying, heir, before, after, id };
}

const replicaWith = (tools: ScriptedTools) =>
  stage.replica({}, [stage.firstKey], { caller: new ScriptedCaller(script), loader: tools });
const inspect = (replica: Replica, id: string) => user.as(() => replica.runs.inspect(id));

describe('a run that is taken up between its tool calls', () => {
  it('does not make finished calls again; one that may have had its effect is told to the model as such', async () => {
    const { dying, heir, before, after, id } = await interrupted(false);
    const watching = watch(user, dying, id);
    await heir.leases.sweep();
    const events = await watching;
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ type }) => type)).toEqual([
      ...['run.started', 'token', 'usage', 'tool.call', 'tool.call', 'tool.result', 'tool.result'],
      ...['token', 'usage', 'run.completed'],
    ]);
    expect(before.executions).toHaveLength(2);
    expect(after.executions).toEqual([]);
    const { steps } = await inspect(heir, id);
    expect(steps[0]?.tool_calls).toMatchObject([
      { status: 'completed', result: 'first' },
      { status: 'failed', error_code: 'outcome_unknown' },
    ]);
    expect(await ledger(stage, id)).toHaveLength(2);
  });

  it('makes an unfinished call again, under the same key, where that does no harm', async () => {
    const { heir, before, after, id } = await interrupted(true);
    await heir.leases.sweep();
    await watch(user, heir, id);
    expect(after.executions).toEqual(before.executions.filter(({ name }) => name === 'two'));
    expect((await inspect(heir, id)).steps[0]?.tool_calls[1]).toMatchObject({ status: 'completed', result: 'second' });
  });

  it('goes on from the database when its log is gone', async () => {
    const { heir, id } = await interrupted(true);
    await stage.redis.del(keys.runLog(id), keys.runLogOwner(id));
    await heir.leases.sweep();
    const events = await watch(user, heir, id);
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ type: 'run.completed' });
    await stage.redis.del(keys.runLog(id));
    expect(await watch(user, heir, id)).toEqual(events);
  });

  it('goes on from the step that was committed when nobody learned of the commit', async () => {
    const tools = new ScriptedTools({ one: () => 'first', two: () => 'second' });
    const [unsure, heir] = [replicaWith(tools), replicaWith(tools)];
    const advance = unsure.steps.advance.bind(unsure.steps);
    jest.spyOn(unsure.steps, 'advance').mockImplementationOnce(async (progress, ...rest) => {
      await advance(progress, ...rest);
      progress.steps.pop();
      throw new Error('The connection was lost.');
    });
    const agent = await newAgent(user, unsure, stage);
    await stage.admin.query(`update agents set tools = '{one,two}' where id = $1`, [agent.id]);
    const { id } = await user.as(() => unsure.starter.start({ id: agent.id, input: 'Go' }));
    await until(() => unsure.executor.running.size === 0);
    await stage.admin.query(`update agent_runs set lease_until = now() - interval '1 s' where id = $1`, [id]);
    await heir.leases.sweep();
    const events = await watch(user, heir, id);
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(await inspect(heir, id)).toMatchObject({ status: 'completed', output: 'Done.', steps: [{}, {}] });
    expect(tools.executions).toHaveLength(2);
    expect(await ledger(stage, id)).toMatchObject([{ status: 'closed' }, { status: 'closed' }]);
  });

  it('shuts the old replica out', async () => {
    const { dying, heir, id } = await interrupted(true);
    await heir.leases.sweep();
    await watch(user, heir, id);
    await dying.leases.extend();
    expect(await inspect(heir, id)).toMatchObject({ status: 'completed', output: 'Done.' });
  });
});
