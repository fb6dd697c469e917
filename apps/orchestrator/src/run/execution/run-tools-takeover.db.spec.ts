import { keys } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { ledger, newAgent, startStage, watch, type Replica, type Stage, type User } from '../../replica.testing';
import type { RunStepRepository } from '../run-step.repository';
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
  const dying = await replicaWith(before);
  const successor = await replicaWith(after);
  const agent = await newAgent(user, dying, stage);
  await stage.admin.query(`update agents set tools = '{one,two}' where id = $1`, [agent.id]);
  const { id } = await user.as(() => dying.starter.start({ id: agent.id, input: 'Go' }));
  const states = async () => (await inspect(dying, id)).steps[0]?.tool_calls.map(({ status }) => status);
  await until(async () => (await states())?.join() === 'completed,running');
  await stage.admin.query(`update agent_runs set lease_until = now() - interval '1 s' where id = $1`, [id]);
  return { dying, successor, before, after, id };
}

const replicaWith = (tools: ScriptedTools) =>
  stage.replica({}, [stage.firstKey], { caller: new ScriptedCaller(script), loader: tools });
/** Loses the connection once the first step is committed. */
function loseFirstCommitOf(steps: RunStepRepository): void {
  const insert = steps.insert.bind(steps);
  jest.spyOn(steps, 'insert').mockImplementationOnce(async (tx, ...rest) => {
    const runner = tx.queryRunner;
    if (!runner) throw new Error('There is no transaction.');
    const commit = runner.commitTransaction.bind(runner);
    jest.spyOn(runner, 'commitTransaction').mockImplementationOnce(async () => {
      await commit();
      throw new Error('The connection was lost.');
    });
    return insert(tx, ...rest);
  });
}

const inspect = (replica: Replica, id: string) => user.as(() => replica.runs.inspect(id));

describe('a run that is taken up between its tool calls', () => {
  it('does not make finished calls again; one that may have had its effect is told to the model as such', async () => {
    const { dying, successor, before, after, id } = await interrupted(false);
    const watching = watch(user, dying, id);
    await successor.executor.sweep();
    const events = await watching;
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ type }) => type)).toEqual([
      'run.started',
      'token',
      'usage',
      'tool.call',
      'tool.call',
      'tool.result',
      'tool.result',
      'token',
      'usage',
      'run.completed',
    ]);
    expect(before.executions).toHaveLength(2);
    expect(after.executions).toEqual([]);
    const { steps } = await inspect(successor, id);
    expect(steps[0]?.tool_calls).toMatchObject([
      { status: 'completed', result: 'first' },
      { status: 'failed', error_code: 'outcome_unknown' },
    ]);
    expect(await ledger(stage, id)).toHaveLength(2);
  });

  it('makes an unfinished call again, under the same key, where that does no harm', async () => {
    const { successor, before, after, id } = await interrupted(true);
    await successor.executor.sweep();
    await watch(user, successor, id);
    expect(after.executions).toEqual(before.executions.filter(({ name }) => name === 'two'));
    expect((await inspect(successor, id)).steps[0]?.tool_calls[1]).toMatchObject({
      status: 'completed',
      result: 'second',
    });
  });

  it('goes on from the database when its log is gone', async () => {
    const { successor, id } = await interrupted(true);
    await stage.redis.del(keys.runLog(id), keys.runLogOwner(id));
    await successor.executor.sweep();
    const events = await watch(user, successor, id);
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ type: 'run.completed' });
    await stage.redis.del(keys.runLog(id));
    expect(await watch(user, successor, id)).toEqual(events);
  });

  it('goes on from the step that was committed when nobody learned of the commit', async () => {
    const tools = new ScriptedTools({ one: () => 'first', two: () => 'second' });
    const [unsure, successor] = [await replicaWith(tools), await replicaWith(tools)];
    loseFirstCommitOf(unsure.holder.steps);
    const agent = await newAgent(user, unsure, stage);
    await stage.admin.query(`update agents set tools = '{one,two}' where id = $1`, [agent.id]);
    const { id } = await user.as(() => unsure.starter.start({ id: agent.id, input: 'Go' }));
    await until(() => unsure.executor.running.size === 0);
    await stage.admin.query(`update agent_runs set lease_until = now() - interval '1 s' where id = $1`, [id]);
    await successor.executor.sweep();
    const events = await watch(user, successor, id);
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(await inspect(successor, id)).toMatchObject({ status: 'completed', output: 'Done.', steps: [{}, {}] });
    expect(tools.executions).toHaveLength(2);
    expect(await ledger(stage, id)).toMatchObject([{ status: 'closed' }, { status: 'closed' }]);
  });

  it('shuts the old replica out', async () => {
    const { dying, successor, id } = await interrupted(true);
    await successor.executor.sweep();
    await watch(user, successor, id);
    await dying.executor.extend();
    expect(await inspect(successor, id)).toMatchObject({ status: 'completed', output: 'Done.' });
  });
});
