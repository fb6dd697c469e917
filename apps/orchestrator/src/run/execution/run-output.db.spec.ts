import type { CreateAgent } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { ledger, startStage, watch, type Replica, type Stage, type User } from '../../replica.testing';
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
