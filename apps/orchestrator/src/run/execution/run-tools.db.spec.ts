import type { CreateAgent } from '@taai/contracts';
import { keys } from '@taai/platform';
import { ledger, startStage, watch, type Replica, type Stage, type User } from '../../replica.testing';
import { ToolFailure } from '../../tool/tool-box';
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
const inspect = (replica: Replica, id: string) => user.as(() => replica.runs.inspect(id));

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
      'run.started',
      'token',
      'usage',
      'tool.call',
      'tool.call',
      'tool.call',
      'tool.result',
      'tool.result',
      'tool.result',
      'token',
      'usage',
      'run.completed',
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
      tool_name: 'two',
      status: 'completed',
      result: { answer: 2 },
      arguments: { n: 2 },
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
          ['two', 'null'],
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
      ['failed', 'invalid_arguments'],
      ['failed', 'unknown_tool'],
      ['failed', 'http_error'],
      ['failed', 'http_error'],
    ]);
    expect(steps[0]?.tool_calls.slice(1, 3).map((call) => call.arguments)).toEqual(['{broken', 'null']);
    expect(new Set(steps[0]?.tool_calls.map(({ tool_call_id }) => tool_call_id)).size).toBe(6);
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
