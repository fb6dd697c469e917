import type { CreateAgent } from '@taai/contracts';
import { keys } from '@taai/platform';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { ledger, newAgent, startStage, watch, type Replica, type Stage, type User } from '../../replica.testing';
import { ToolFailure } from '../../tool/tool-box';
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

/** A replica whose model and tools are scripted, and an agent on it that may use `tools`. */
async function scripted(script: Line[], tools: ScriptedTools, fields: Partial<CreateAgent> = {}) {
  const caller = new ScriptedCaller(script);
  const replica = await stage.replica({}, [stage.firstKey], { caller, loader: tools });
  const agent = await newAgent(user, replica, stage);
  await user.as(() => replica.agents.update({ id: agent.id, ...fields }));
  await stage.admin.query(`update agents set tools = '{one,two,three}' where id = $1`, [agent.id]);
  const start = (variables?: Record<string, string>) =>
    user.as(() => replica.starter.start({ id: agent.id, input: 'Go', ...(variables && { variables }) }));
  return { caller, replica, agent, start };
}

const inspect = (replica: Replica, id: string) => user.as(() => replica.runs.inspect(id));
const problem = (code: string) => expect.objectContaining({ name: 'ProblemError', code });

describe('tool calls', () => {
  const three: Line[] = [
    {
      text: 'Let me see.',
      calls: [
        ['one', { n: 1 }],
        ['two', { n: 2 }],
        ['three', { n: 3 }],
      ],
    },
    { text: 'All done.' },
  ];

  it('are made once each, told to the model and to the log, and kept', async () => {
    const tools = new ScriptedTools({ one: () => 'first', two: () => ({ answer: 2 }), three: () => null });
    const { caller, replica, start } = await scripted(three, tools);
    const run = await start();
    const events = await watch(user, replica, run.id);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events.map(({ type }) => type)).toEqual([
      ...['run.started', 'token', 'usage', 'tool.call', 'tool.call', 'tool.call'],
      ...['tool.result', 'tool.result', 'tool.result', 'token', 'usage', 'run.completed'],
    ]);
    expect(events[3]?.data).toEqual({ id: 'call_0', name: 'one', arguments: { n: 1 } });
    const results = events.flatMap(({ type, data }) => (type === 'tool.result' ? [[data.name, data.result]] : []));
    expect(Object.fromEntries(results)).toEqual({ one: 'first', two: { answer: 2 }, three: null });
    expect(tools.executions.map(({ name, args }) => [name, args]).sort()).toEqual([
      ['one', { n: 1 }],
      ['three', { n: 3 }],
      ['two', { n: 2 }],
    ]);
    expect(caller.requests[1]?.messages.slice(-4)).toEqual([
      expect.objectContaining({ role: 'assistant', content: 'Let me see.' }),
      { role: 'tool', tool_call_id: 'call_0', name: 'one', content: 'first' },
      { role: 'tool', tool_call_id: 'call_1', name: 'two', content: '{"answer":2}' },
      { role: 'tool', tool_call_id: 'call_2', name: 'three', content: 'null' },
    ]);

    const seen = await inspect(replica, run.id);
    expect(seen).toMatchObject({ status: 'completed', output: 'All done.', usage: { input_tokens: 20 } });
    expect(seen.steps).toMatchObject([
      { step: 1, output: 'Let me see.', attempts: [{ error_code: null }], tool_calls: [{}, {}, {}] },
      { step: 2, output: 'All done.', attempts: [{ error_code: null }], tool_calls: [] },
    ]);
    expect(seen.steps[0]?.tool_calls[1]).toMatchObject({
      ...{ tool_name: 'two', status: 'completed', result: { answer: 2 }, arguments: { n: 2 } },
      id: tools.executions.find(({ name }) => name === 'two')?.execution_id,
    });
    expect(await ledger(stage, run.id)).toMatchObject([{ step: 1 }, { step: 2 }]);

    await stage.redis.del(keys.runLog(run.id));
    expect(await watch(user, replica, run.id)).toEqual(events);
  });

  it('that cannot be made, or fail, are told to the model, which goes on', async () => {
    const script: Line[] = [
      {
        calls: [
          ['one', { n: 'text' }],
          ['two', '{broken'],
          ['missing', {}],
          ['three', {}, 'dup'],
          ['three', {}, 'dup'],
        ],
      },
      { text: 'I see.' },
    ];
    const refuse = () => {
      throw new ToolFailure('http_error', 'It answered 500.\0');
    };
    const tools = new ScriptedTools({ one: () => 1, two: () => 2, three: refuse });
    const { caller, replica, start } = await scripted(script, tools);
    const run = await start();
    await watch(user, replica, run.id);
    const { status, steps } = await inspect(replica, run.id);
    expect(status).toBe('completed');
    expect(steps[0]?.tool_calls.map((call) => [call.status, call.error_code])).toEqual([
      ['failed', 'invalid_arguments'],
      ['failed', 'invalid_arguments'],
      ['failed', 'unknown_tool'],
      ['failed', 'http_error'],
      ['failed', 'http_error'],
    ]);
    expect(steps[0]?.tool_calls[1]?.arguments).toBe('{broken');
    expect(new Set(steps[0]?.tool_calls.map(({ tool_call_id }) => tool_call_id)).size).toBe(5);
    expect(caller.requests[1]?.messages.at(-1)?.content).toBe(
      '{"error":"http_error","detail":"It answered 500.\ufffd"}',
    );
    expect(tools.executions).toHaveLength(2);
  });

  it('a fault of ours in a tool does not reach the model', async () => {
    const broken = () => {
      throw new TypeError('secret');
    };
    const { caller, replica, start } = await scripted(
      [{ calls: [['one', {}]] }, {}],
      new ScriptedTools({ one: broken }),
    );
    await watch(user, replica, (await start()).id);
    expect(JSON.stringify(caller.requests[1])).not.toContain('secret');
  });

  it('may hold whatever JSON can: also what PostgreSQL cannot', async () => {
    const odd = { 'key\0': '\0\ud800', deep: [{ '\udfff': '\\u0000' }] };
    const tools = new ScriptedTools({ one: () => odd });
    const { replica, start } = await scripted([{ calls: [['one', {}]] }, { text: 'ok' }], tools);
    const run = await start();
    await watch(user, replica, run.id);
    const { steps } = await inspect(replica, run.id);
    expect(steps[0]?.tool_calls[0]?.result).toEqual({ 'key\ufffd': '\ufffd\ufffd', deep: [{ '\ufffd': '\\u0000' }] });
  });
});

describe('a run ends', () => {
  const endless: Line[] = Array.from({ length: 30 }, () => ({ calls: [['one', {}]] }));
  const tools = () => new ScriptedTools({ one: () => 1 });

  it.each([
    ['at its step limit', { max_steps: 3 }, 'step_limit', 3],
    ['when it has spent what its agent allows', { max_cost_micro_usd: 9 }, 'budget_exceeded', 2],
  ])('%s', async (_, fields, code, steps) => {
    const { replica, start } = await scripted(endless, tools(), fields);
    const run = await start();
    const events = await watch(user, replica, run.id);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { code } });
    expect(await ledger(stage, run.id)).toHaveLength(steps);
    expect((await inspect(replica, run.id)).steps).toHaveLength(steps);
    await stage.redis.del(keys.runLog(run.id));
    expect(await watch(user, replica, run.id)).toEqual(events);
  });

  it('when it is cancelled between and within tool calls', async () => {
    const started = Promise.withResolvers<void>();
    const hang = (_: unknown, { signal }: { signal: AbortSignal }) => {
      started.resolve();
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    };
    const { replica, start } = await scripted(endless, new ScriptedTools({ one: hang }));
    const run = await start();
    await started.promise;
    expect(await user.as(() => replica.runs.cancel(run.id))).toMatchObject({ status: 'cancelled' });
    const { steps } = await inspect(replica, run.id);
    expect(steps[0]?.tool_calls).toMatchObject([{ status: 'failed', error_code: 'run_ended' }]);
  });
});

describe('an answer that must fit a schema', () => {
  const output_schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };

  it('is asked for again, with the reason, until it fits', async () => {
    const script = [{ text: 'seven' }, { text: '{"n":"7"}' }, { text: '{"n":7}' }];
    const { caller, replica, start } = await scripted(script, new ScriptedTools({}), { output_schema });
    const run = await start();
    await watch(user, replica, run.id);
    expect(await inspect(replica, run.id)).toMatchObject({
      status: 'completed',
      output: '{"n":7}',
      steps: [{}, {}, {}],
    });
    expect(caller.requests[0]?.response_format).toMatchObject({ type: 'json_schema', schema: output_schema });
    expect(caller.requests[1]?.messages.at(-1)?.content).toContain('is not JSON');
    expect(caller.requests[2]?.messages.at(-1)?.content).toContain('n must be an integer');
  });

  it('is given up after three attempts', async () => {
    const script = Array.from({ length: 9 }, () => ({ text: 'seven' }));
    const { replica, start } = await scripted(script, new ScriptedTools({}), { output_schema });
    const run = await start();
    const events = await watch(user, replica, run.id);
    expect(events.at(-1)?.data).toMatchObject({
      code: 'output_invalid',
      detail: expect.stringContaining('is not JSON'),
    });
    expect(await ledger(stage, run.id)).toHaveLength(3);
  });
});

describe('what nobody could have meant', () => {
  const slow = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } };
  const endless = { a: `${'a'.repeat(50)}!` };

  it('an answer that takes too long to compare ends the run, and is paid for', async () => {
    const script = [{ text: JSON.stringify(endless) }];
    const { replica, start } = await scripted(script, new ScriptedTools({}), { output_schema: slow });
    const run = await start();
    const events = await watch(user, replica, run.id);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { code: 'output_invalid' } });
    expect(await ledger(stage, run.id)).toMatchObject([{ status: 'closed', input_tokens: 10, output_tokens: 5 }]);
    expect(await inspect(replica, run.id)).toMatchObject({ usage: { output_tokens: 5 } });
  });

  it('a fault that the database could not store ends the run all the same', async () => {
    const output_schema = { type: 'object', additionalProperties: { type: 'integer' } };
    const script = Array.from({ length: 3 }, () => ({ text: String.raw`{"\u0000":"x"}` }));
    const { replica, start } = await scripted(script, new ScriptedTools({}), { output_schema });
    const events = await watch(user, replica, (await start()).id);
    expect(events.at(-1)?.data).toMatchObject({
      code: 'output_invalid',
      detail: expect.stringContaining('\uFFFD must'),
    });
  });

  it('arguments of a hundred calls that take too long are not all compared', async () => {
    const calls = Array.from({ length: 100 }, (_, n): [string, unknown, string] => ['one', endless, `call_${n}`]);
    const tools = new ScriptedTools({ one: () => 1 }, { one: { input_schema: slow } });
    const { replica, start } = await scripted([{ calls }, { text: 'ok' }], tools);
    const { id } = await start();
    await watch(user, replica, id);
    const [step] = (await inspect(replica, id)).steps;
    expect(new Set(step?.tool_calls.map(({ error_code }) => error_code))).toEqual(new Set(['invalid_arguments']));
    expect(step?.tool_calls.at(-1)?.error_detail).toContain('of the other calls');
    expect(tools.executions).toEqual([]);
  });

  it('more than any model reads ends the run', async () => {
    const calls = Array.from({ length: 128 }, (_, n): [string, unknown, string] => ['one', {}, `call_${n}`]);
    const tools = new ScriptedTools({ one: () => 'x'.repeat(63_000) });
    const { caller, replica, start } = await scripted([{ calls }, { text: 'ok' }], tools);
    const { id } = await start();
    await until(async () => (await user.as(() => replica.runs.get(id))).error_code === 'conversation_too_long');
    expect(caller.requests).toHaveLength(1);
  });
});

it('events that no message could carry together come one after the other', async () => {
  const calls = Array.from({ length: 60 }, (_, n): [string, unknown, string] => ['one', {}, `call_${n}`]);
  const tools = new ScriptedTools({ one: () => 'x'.repeat(60_000) });
  const { replica, start } = await scripted([{ calls }, { text: 'ok' }], tools);
  const { id } = await start();
  const live = await watch(user, replica, id);
  const read = (after: number) => user.as(async () => (await replica.runs.events(id, after)).events);
  const events = await read(0);
  expect(Buffer.byteLength(JSON.stringify(events))).toBeLessThan(1_500_000);
  for (let page = events; page.length > 0; events.push(...page)) page = await read(events.at(-1)?.id ?? 0);
  expect(events).toEqual(live);
});

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
