import type { CreateAgent } from '@taai/contracts';
import { keys } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { ledger, newAgent, startStage, watch, type Replica, type Stage, type User } from '../replica.testing';
import { ScriptedCaller, ScriptedTools, type Line } from './execution/scripted-agent.testing';

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
    text: 'I will.',
    calls: [
      ['one', { n: 1 }, 'a'],
      ['two', { n: 2 }, 'b'],
      ['two', { n: 3 }, 'c'],
    ],
  },
  { text: 'Done.' },
];
const newTools = () => new ScriptedTools({ one: () => 1, two: () => 2 }, { two: { requires_approval: true } });

const replicaWith = (tools: ScriptedTools, lines = script, approval_seconds = 3600) =>
  stage.replica({ approval_seconds }, [stage.firstKey], { caller: new ScriptedCaller(lines), loader: tools });

/** A run that waits for two approvals, on the first of two replicas that share their tools. */
async function waiting(fields: Partial<CreateAgent> = {}, approval_seconds = 3600) {
  const tools = newTools();
  const [first, second] = [await replicaWith(tools, script, approval_seconds), await replicaWith(tools)];
  const agent = await newAgent(user, first, stage);
  await user.as(() => first.agents.update({ id: agent.id, ...fields }));
  await stage.admin.query(`update agents set tools = '{one,two}' where id = $1`, [agent.id]);
  const { id } = await user.as(() => first.starter.start({ id: agent.id, input: 'Go' }));
  await until(async () => (await inspect(first, id)).status === 'waiting_approval');
  await until(() => first.executor.running.size === 0);
  return { first, second, tools, id };
}

const inspect = (replica: Replica, id: string) => user.as(() => replica.runs.inspect(id));
const decide = (replica: Replica, id: string, tool_call_id: string, decision: 'approve' | 'reject' = 'approve') =>
  user.as(() => replica.runs.decide({ id, tool_call_id, decision }));
const problem = (code: string) => expect.objectContaining({ name: 'ProblemError', code });
const typesOf = (events: { type: string }[]) => events.map(({ type }) => type);

describe('a run with calls that a person must approve', () => {
  it('makes the others, waits with no lease, and goes on in whichever replica hears the last decision', async () => {
    const { first, second, tools, id } = await waiting();
    expect(tools.executions.map(({ name }) => name)).toEqual(['one']);
    const { rows } = await stage.admin.query('select lease_owner, lease_until from agent_runs where id = $1', [id]);
    expect(rows).toEqual([{ lease_owner: null, lease_until: null }]);
    expect((await inspect(first, id)).steps[0]?.tool_calls.map(({ status }) => status)).toEqual([
      'completed',
      'waiting_approval',
      'waiting_approval',
    ]);
    const watching = watch(user, second, id);
    expect(await decide(second, id, 'b')).toMatchObject({ status: 'waiting_approval' });
    await decide(second, id, 'c', 'reject');
    const events = await watching;
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(typesOf(events)).toEqual([
      'run.started',
      'token',
      'usage',
      'tool.call',
      'tool.call',
      'tool.call',
      'tool.result',
      'approval.required',
      'approval.required',
      'tool.result',
      'tool.result',
      'token',
      'usage',
      'run.completed',
    ]);
    expect(events[7]?.data).toEqual({ id: 'b', name: 'two', arguments: { n: 2 } });
    expect(tools.executions.map(({ args }) => args['n'])).toEqual([1, 2]);
    const { steps, status } = await inspect(first, id);
    expect(status).toBe('completed');
    expect(steps[0]?.tool_calls.slice(1)).toMatchObject([
      { status: 'completed', decided_by: user.user_id },
      { status: 'rejected', decided_by: user.user_id, error_code: 'rejected', result: null },
    ]);
    await stage.redis.del(keys.runLog(id));
    expect(await watch(user, first, id)).toEqual(events);
  });

  it('is decided on once: twenty decisions at once execute each call once', async () => {
    const { first, second, tools, id } = await waiting();
    const decisions = Array.from({ length: 20 }, (_, n) => decide(n % 2 ? first : second, id, n < 10 ? 'b' : 'c'));
    await Promise.all(decisions);
    await watch(user, first, id);
    expect(tools.executions).toHaveLength(3);
    expect(await ledger(stage, id)).toHaveLength(2);
    await expect(decide(first, id, 'b')).resolves.toMatchObject({ status: 'completed' });
    await expect(decide(first, id, 'b', 'reject')).rejects.toEqual(problem('conflict'));
    await expect(decide(first, id, 'a')).rejects.toEqual(problem('conflict'));
  });

  it('asks for every call when its agent wants that', async () => {
    const { first, tools, id } = await waiting({ requires_approval: true });
    expect(tools.executions).toEqual([]);
    for (const call of ['a', 'b', 'c']) await decide(first, id, call);
    expect((await watch(user, first, id)).at(-1)).toMatchObject({ type: 'run.completed' });
    expect(tools.executions).toHaveLength(3);
  });

  it('is nobody else’s to decide on', async () => {
    const { first, id } = await waiting();
    const other = await stage.newUser();
    for (const call of ['b', 'missing']) {
      const foreign = other.as(() => first.runs.decide({ id, tool_call_id: call, decision: 'approve' }));
      await expect(foreign).rejects.toEqual(problem('not_found'));
    }
    await expect(decide(first, id, 'missing')).rejects.toEqual(problem('not_found'));
    expect(await inspect(first, id)).toMatchObject({ status: 'waiting_approval' });
  });

  it('can be cancelled while it waits', async () => {
    const { first, tools, id } = await waiting();
    expect(await user.as(() => first.runs.cancel(id))).toMatchObject({ status: 'cancelled' });
    expect((await watch(user, first, id)).at(-1)).toMatchObject({ type: 'run.cancelled' });
    await expect(decide(first, id, 'b')).rejects.toEqual(problem('conflict'));
    expect(tools.executions).toHaveLength(1);
  });

  it('fails when nobody decides in time', async () => {
    const { first, id } = await waiting({}, 0);
    await first.executor.sweep();
    const events = await watch(user, first, id);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { code: 'approval_expired' } });
  });

  it('keeps the time that it had left', async () => {
    const { first, id } = await waiting();
    const left = async () => {
      const sql = 'select extract(epoch from deadline_at - now())::float as seconds from agent_runs where id = $1';
      return (await stage.admin.query<{ seconds: number }>(sql, [id])).rows[0]?.seconds ?? 0;
    };
    expect(await left()).toBeGreaterThan(3500);
    await decide(first, id, 'b');
    await decide(first, id, 'c');
    expect(await left()).toBeLessThan(600);
    await watch(user, first, id);
  });
});
