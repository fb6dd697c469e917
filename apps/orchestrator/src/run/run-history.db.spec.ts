import type { ChatMessage } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { newAgent, startStage, type Replica, type Stage, type User } from '../replica.testing';
import { ScriptedCaller, ScriptedTools, type Line } from './execution/scripted-agent.testing';

let stage: Stage;
let user: User;
let agent_id: string;
let conversation_id: string;

beforeAll(async () => {
  stage = await startStage();
});
beforeEach(async () => {
  user = await stage.newUser();
  conversation_id = v7();
});
afterAll(() => stage.close());

const script: Line[] = [
  { text: 'I look.', calls: [['one', { n: 1 }, 'a']] },
  { text: 'It is 1.' },
  { text: 'Still 1.' },
];

async function startReplica(answer: unknown = 1): Promise<Replica> {
  const parts = { caller: new ScriptedCaller(script), loader: new ScriptedTools({ one: () => answer }) };
  const replica = await stage.replica({}, [stage.firstKey], parts);
  agent_id = (await newAgent(user, replica, stage)).id;
  await stage.admin.query(`update agents set tools = '{one}' where id = $1`, [agent_id]);
  return replica;
}

/** Has the agent answer, and resolves to the run once it has. */
async function answer(
  replica: Replica,
  messages: ChatMessage[],
  conversation = conversation_id,
  summary?: string,
): Promise<string> {
  const run_id = v7();
  const order = {
    agent_id,
    conversation_id: conversation,
    run_id,
    messages,
    ...(summary !== undefined && { summary }),
  };
  await user.as(() => replica.starter.startFor(order));
  await until(async () => (await user.as(() => replica.runs.get(run_id))).status === 'completed');
  return run_id;
}

const inputOf = async (run_id: string) =>
  (await stage.admin.query<{ input: object[] }>('select input from agent_runs where id = $1', [run_id])).rows[0]?.input;

const question = { role: 'user', content: 'What is it?' } as const;
const next = { role: 'user', content: 'And now?' } as const;
const system = { role: 'system', content: 'Repeat.' };

it('a turn is shown what tools were asked and answered in the turns before', async () => {
  const replica = await startReplica();
  const run_id = await answer(replica, [question]);
  const reply = { role: 'assistant', content: 'It is 1.', run_id } as const;
  expect(await inputOf(await answer(replica, [question, reply, next]))).toMatchObject([
    system,
    question,
    { role: 'assistant', content: 'I look.', tool_calls: [{ id: 'a', name: 'one', arguments: '{"n":1}' }] },
    { role: 'tool', tool_call_id: 'a', name: 'one', content: '1' },
    { role: 'assistant', content: 'It is 1.' },
    next,
  ]);
});

it('an agent that has lost its tools is shown what was said alone', async () => {
  const replica = await startReplica();
  const run_id = await answer(replica, [question]);
  await user.as(() => replica.agents.update({ id: agent_id, tools: [] }));
  const reply = { role: 'assistant', content: 'It is 1.', run_id } as const;
  expect(await inputOf(await answer(replica, [question, reply, next]))).toEqual([
    system,
    question,
    { role: 'assistant', content: 'It is 1.' },
    next,
  ]);
});

it('runs of other conversations are not shown, whoever names them', async () => {
  const replica = await startReplica();
  const run_id = await answer(replica, [question], v7());
  const reply = { role: 'assistant', content: 'It is 1.', run_id } as const;
  expect(await inputOf(await answer(replica, [question, reply, next]))).toHaveLength(4);
});

it('the newest tool calls are shown, as much as fits', async () => {
  const replica = await startReplica('x'.repeat(60_000));
  await user.as(() => replica.agents.update({ id: agent_id, model: 'gemini-of-the-sandbox' }));
  const turns: ChatMessage[] = [];
  for (let n = 0; n < 4; n += 1) {
    const run_id = await answer(replica, [question], conversation_id);
    turns.push(question, { role: 'assistant', content: `${n}`, run_id });
  }
  const input = await inputOf(await answer(replica, [...turns, next]));
  expect(JSON.stringify(input).length).toBeLessThan(250_000);
  expect(input?.filter((message) => Reflect.get(message, 'role') === 'tool')).toHaveLength(3);
  expect(input?.slice(0, 3)).toEqual([system, question, { role: 'assistant', content: '0' }]);
});

describe('of a long conversation', () => {
  const turn = (n: number): ChatMessage[] => [
    { role: 'user', content: `${n} ${'word '.repeat(500)}` },
    { role: 'assistant', content: 'Yes.' },
  ];
  const turns = Array.from({ length: 100 }, (_, n) => turn(n)).flat();
  const saidIn = async (run_id: string) => ((await inputOf(run_id)) ?? []).slice(1);

  it('the turns are shown that the window of the model holds beside the rest', async () => {
    const replica = await startReplica();
    const run_id = await answer(replica, [...turns, next]);
    const shown = await saidIn(run_id);
    // 32,000 less a quarter, 4096 for an answer, some for prompt and tool: 500 tokens and two times four for each turn.
    expect(shown).toHaveLength(2 * 38 + 1);
    expect(await user.as(() => replica.runs.shown(run_id))).toEqual({ messages: 2 * 38 + 1 });
    expect(shown.at(-1)).toEqual(next);
    expect(shown[0]).toEqual(turns[200 - 2 * 38]);
  });

  it('the turns are shown that the agent may be shown', async () => {
    const replica = await startReplica();
    await user.as(() => replica.agents.update({ id: agent_id, context_tokens: 1100 }));
    expect(await saidIn(await answer(replica, [...turns, next]))).toEqual([...turns.slice(-4), next]);
    await user.as(() => replica.agents.update({ id: agent_id, context_tokens: 1 }));
    expect(await saidIn(await answer(replica, [...turns, next]))).toEqual([next]);
  });

  it('a summary of what was said before goes first, where there is room', async () => {
    const replica = await startReplica();
    await user.as(() => replica.agents.update({ id: agent_id, context_tokens: 600 }));
    const told = 'Her cat is called Nero.';
    const shown = await saidIn(await answer(replica, [...turns, next], conversation_id, told));
    expect(shown).toEqual([{ role: 'user', content: expect.stringContaining(told) }, ...turns.slice(-2), next]);
    const long = await saidIn(await answer(replica, [...turns, next], conversation_id, 'word '.repeat(2000)));
    expect(long).toEqual([...turns.slice(-2), next]);
  });
});
