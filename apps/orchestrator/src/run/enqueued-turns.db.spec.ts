import { limits, type ChatMessage } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { newAgent, providerCalls, startStage, watch, type Replica, type Stage, type User } from '../replica.testing';
import { ScriptedCaller, ScriptedTools } from './execution/scripted-agent.testing';

let stage: Stage;
let user: User;
let replicas: [Replica, Replica, Replica];
let agent_id: string;
let conversation_id: string;

beforeAll(async () => {
  stage = await startStage();
  replicas = [await stage.replica(), await stage.replica(), await stage.replica()];
});
beforeEach(async () => {
  user = await stage.newUser();
  conversation_id = v7();
  agent_id = (await newAgent(user, replicas[0], stage)).id;
  await user.as(() => replicas[0].agents.update({ id: agent_id, concurrent_turns: 'enqueue' }));
});
afterAll(() => stage.close());

const ENDLESS = 'go on [[tokens=600 delay=100]]';
const SHORT = 'a word [[tokens=1 delay=0]]';

/** A question, as chat tells of it. */
interface Asked {
  run_id: string;
  message: ChatMessage;
}

const ask = (content: string, run_id = v7()): Asked => ({ run_id, message: { role: 'user', content, run_id } });

/** Lets a turn in that is asked behind others; resolves to its run's id. */
async function start(content: string, replica = replicas[0], before: Asked[] = []): Promise<string> {
  const { run_id, message } = ask(content);
  const messages = [...before.map((asked) => asked.message), message];
  await user.as(() => replica.starter.startFor({ agent_id, conversation_id, run_id, messages }));
  return run_id;
}

interface Row {
  id: string;
  status: string;
  turn: number | null;
  input: { role: string; content: string }[];
  output: string | null;
  started_at: Date;
  finished_at: Date;
  deadline_at: Date;
}

const rows = async () =>
  (
    await stage.admin.query<Row>('select * from agent_runs where conversation_id = $1 order by turn nulls first, id', [
      conversation_id,
    ])
  ).rows;
const row = async (id: string) => (await rows()).find((one) => one.id === id) as Row;
const cancel = (id: string, replica = replicas[0]) => user.as(() => replica.runs.cancel(id));
const expired = (id: string) =>
  stage.admin.query(`update agent_runs set lease_until = now() - interval '1 s' where id = $1`, [id]);
const allEnded = () => until(async () => (await rows()).every(({ finished_at }) => finished_at !== null));

describe('turns that wait', () => {
  it('begin one after another in the order in which they were let in, in whichever replicas', async () => {
    const first = await start(ENDLESS);
    const at = (index: number) => replicas[index % 3];
    await Promise.all(Array.from({ length: limits.waitingTurns }, (_, index) => start(SHORT, at(index))));
    const [going, ...waiting] = await rows();
    expect(going).toMatchObject({ id: first, status: 'running', turn: null });
    expect(waiting.map(({ turn }) => turn)).toEqual(waiting.map((_, index) => index + 1));
    expect(new Set(waiting.map(({ status }) => status))).toEqual(new Set(['queued']));
    await expect(start(SHORT)).rejects.toMatchObject({ code: 'too_many_turns', extras: { retry_after: 5 } });

    await cancel(first);
    await allEnded();
    const order = [first, ...waiting.map(({ id }) => id)];
    const ended = (await rows()).toSorted((one, other) => order.indexOf(one.id) - order.indexOf(other.id));
    expect(ended.map(({ status }) => status)).toEqual(['cancelled', ...waiting.map(() => 'completed')]);
    for (const [index, { started_at }] of ended.slice(1).entries())
      expect(started_at.getTime()).toBeGreaterThanOrEqual(ended[index]?.finished_at.getTime() ?? Infinity);
  });

  it('are shown what those before them have answered meanwhile, and have all their time', async () => {
    const [one, two] = [ask(`one [[tokens=30 delay=20]]`), ask(SHORT)];
    const messages = [one.message, two.message];
    const order = { agent_id, conversation_id };
    await user.as(() => replicas[0].starter.startFor({ ...order, run_id: one.run_id, messages: [one.message] }));
    await user.as(() => replicas[1].starter.startFor({ ...order, run_id: two.run_id, messages }));
    await stage.admin.query(`update agent_runs set deadline_at = now() where id = $1`, [two.run_id]);
    const three = await start('three [[tokens=1 delay=0]]', replicas[2], [one, two]);
    await allEnded();
    const [first, second, third] = [await row(one.run_id), await row(two.run_id), await row(three)];
    expect([first, second, third].map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    const said = [
      { role: 'system', content: 'Repeat.' },
      { role: 'user', content: one.message.content },
      { role: 'assistant', content: first.output },
      { role: 'user', content: SHORT },
    ];
    expect(second.input).toEqual(said);
    expect(third.input).toEqual([
      ...said,
      { role: 'assistant', content: second.output },
      { role: 'user', content: 'three [[tokens=1 delay=0]]' },
    ]);
    expect((await providerCalls(stage, 'three [[')).at(-1)?.messages).toMatchObject(third.input);
  });

  it('are shown as much as they may be then, behind the summary of what was said before', async () => {
    const order = { agent_id, conversation_id };
    const [one, two, three] = [ask(ENDLESS), ask(SHORT), ask(SHORT)];
    const told = 'Her cat is called Nero.';
    await user.as(() => replicas[0].starter.startFor({ ...order, run_id: one.run_id, messages: [one.message] }));
    const messages = [one.message, two.message];
    await user.as(() => replicas[1].starter.startFor({ ...order, run_id: two.run_id, messages, summary: told }));
    await user.as(() => replicas[0].agents.update({ id: agent_id, context_tokens: 1 }));
    const all = [...messages, three.message];
    await user.as(() => replicas[1].starter.startFor({ ...order, run_id: three.run_id, messages: all, summary: told }));
    await cancel(one.run_id);
    await allEnded();
    const system = { role: 'system', content: 'Repeat.' };
    const [second, third] = [await row(two.run_id), await row(three.run_id)];
    expect(second.input.slice(0, 3)).toEqual([
      system,
      { role: 'user', content: expect.stringContaining(told) },
      { role: 'user', content: ENDLESS },
    ]);
    expect(second.input.at(-1)).toEqual({ role: 'user', content: SHORT });
    expect(third.input).toEqual([system, { role: 'user', content: SHORT }]);
    expect(await user.as(() => replicas[2].runs.shown(three.run_id))).toEqual({ messages: 1 });
  });

  it('end when they are cancelled, and those behind them wait on', async () => {
    const first = await start(ENDLESS);
    const [second, third] = [await start(SHORT), await start(SHORT, replicas[1])];
    const watching = watch(user, replicas[2], second);
    expect(await cancel(second, replicas[2])).toMatchObject({ status: 'cancelled' });
    expect((await watching).map(({ type }) => type)).toEqual(['run.cancelled']);
    await replicas[1].executor.sweep();
    expect([await row(first), await row(third)]).toMatchObject([{ status: 'running' }, { status: 'queued', turn: 2 }]);
    await cancel(first);
    expect((await watch(user, replicas[0], third)).at(-1)).toMatchObject({ type: 'run.completed' });
  });

  it('begin behind one that fails, and behind one of another kind', async () => {
    await user.as(() => replicas[0].agents.update({ id: agent_id, concurrent_turns: 'parallel' }));
    const first = await start(ENDLESS);
    await user.as(() => replicas[0].agents.update({ id: agent_id, concurrent_turns: 'enqueue' }));
    const failing = await start('[[fail=401]]');
    const last = await start(SHORT);
    expect([await row(failing), await row(last)]).toMatchObject([{ turn: 1 }, { turn: 2 }]);
    await cancel(first);
    // A run that began when turns did not wait tells nobody that it has ended.
    await replicas[1].executor.sweep();
    await allEnded();
    expect([await row(failing), await row(last)]).toMatchObject([{ status: 'failed' }, { status: 'completed' }]);
  });

  it('wait for a person, too, on whom the turn before them waits', async () => {
    const caller = new ScriptedCaller([
      { text: 'I will.', calls: [['one', { n: 1 }, 'a']] },
      { text: 'Done.' },
      { text: 'Next.' },
    ]);
    const loader = new ScriptedTools({ one: () => 1 }, { one: { requires_approval: true } });
    const replica = await stage.replica({}, [stage.firstKey], { caller, loader });
    await stage.admin.query(`update agents set tools = '{one}' where id = $1`, [agent_id]);
    const one = ask('one');
    const order = { agent_id, conversation_id, run_id: one.run_id, messages: [one.message] };
    await user.as(() => replica.starter.startFor(order));
    await until(async () => (await row(one.run_id)).status === 'waiting_approval');
    const second = await start('two', replica, [one]);
    await replica.executor.sweep();
    expect(await row(second)).toMatchObject({ status: 'queued', turn: 1 });
    await user.as(() => replica.runs.decide({ id: one.run_id, tool_call_id: 'a', decision: 'approve' }));
    await allEnded();
    expect((await row(second)).input).toMatchObject([
      { role: 'system' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'I will.', tool_calls: [{ id: 'a' }] },
      { role: 'tool', tool_call_id: 'a', content: '1' },
      { role: 'assistant', content: 'Done.' },
      { role: 'user', content: 'two' },
    ]);
  });
});

describe('when replicas die', () => {
  it('the turn of a dead one is taken up, and the next one begins behind it, once', async () => {
    const [dying, successor, other] = replicas;
    const first = await start(`${v7()} [[tokens=30 delay=20]]`, dying);
    const second = await start(SHORT, dying);
    await until(async () => (await row(first)).status === 'running' && dying.executor.running.has(first));
    await expired(first);
    await Promise.all([successor.executor.sweep(), other.executor.sweep()]);
    await allEnded();
    const [one, two] = [await row(first), await row(second)];
    expect([one, two]).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
    expect(two.started_at.getTime()).toBeGreaterThanOrEqual(one.finished_at.getTime());
  });

  it('a turn that one had claimed and not begun begins elsewhere, with what it is to be shown', async () => {
    const one = ask(ENDLESS);
    const order = { agent_id, conversation_id, run_id: one.run_id, messages: [one.message] };
    await user.as(() => replicas[0].starter.startFor(order));
    const second = await start(SHORT, replicas[0], [one]);
    await until(() => replicas[0].executor.running.size === 1);
    // As if the replica had ended the first and claimed the next, and then died.
    await stage.admin.query(
      `update agent_runs set status = 'completed', output = 'One.', finished_at = now(),
      lease_owner = null, lease_until = null where id = $1`,
      [one.run_id],
    );
    await stage.admin.query(
      `update agent_runs set lease_owner = 'gone', lease_until = now() - interval '1 s' where id = $1`,
      [second],
    );
    await replicas[1].executor.sweep();
    await until(async () => (await row(second)).status === 'completed');
    expect((await row(second)).input.map(({ content }) => content)).toEqual(['Repeat.', ENDLESS, 'One.', SHORT]);
    await replicas[0].executor.extend();
  });

  it('a word that is lost is found again by a sweep, and only the first of those that wait begins', async () => {
    const first = await start(ENDLESS);
    const [second, third] = [await start(ENDLESS), await start(SHORT)];
    await stage.admin.query(
      `update agent_runs set status = 'failed', finished_at = now(), lease_owner = null, lease_until = null
      where id = $1`,
      [first],
    );
    await Promise.all(replicas.map(({ executor }) => executor.sweep()));
    await until(async () => (await row(second)).status === 'running');
    expect(await row(third)).toMatchObject({ status: 'queued', turn: 2 });
    await cancel(second);
    await until(async () => (await row(third)).status === 'completed');
    await replicas[0].executor.extend();
  });
});
