import { providerKinds, type ProviderKind } from '@taai/contracts';
import { v7 } from 'uuid';
import { providerCalls, startStage, type Replica, type Stage } from '../../../replica.testing';
import { Scene } from './run-proof.testing';
import { ask, expectNear, piecesOf, textOf, TOLERANCE, truthOf } from './run-truth.testing';

let stage: Stage;
let replica: Replica;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
afterAll(() => stage.close());

/** Usage as the vendor's format can tell it: P tokens of the prompt, 5 of them from a cache, 20 of the answer, 7 of reasoning before it. */
const bucketsOf = (kind: ProviderKind, prompt: number) => {
  const split = { input_tokens: prompt - 5, cache_read_tokens: 5, output_tokens: 20, reasoning_tokens: 7 };
  const joint = { input_tokens: prompt, cache_read_tokens: null, output_tokens: 27, reasoning_tokens: null };
  return {
    ...(kind === 'ollama' ? joint : split),
    cache_write_tokens: kind === 'anthropic' ? 0 : null,
    is_estimated: false,
  };
};

/** Of an attempt that the provider refused. */
const nothing = { input_tokens: 0, output_tokens: 0, cost_micro_usd: 0, is_estimated: true };

describe.each(providerKinds)('a run at %s', (kind) => {
  const open = (settings = {}) => Scene.open(stage, replica, { kind, settings });

  it('shows the whole conversation to the model, and ends with its answer', async () => {
    const scene = await open();
    const { mark, input } = ask('');
    const run_id = v7();
    const messages = [
      { role: 'user' as const, content: 'Where does the river rise?' },
      { role: 'assistant' as const, content: 'In the hills.' },
      { role: 'user' as const, content: input },
    ];
    const order = { agent_id: scene.agent_id, conversation_id: v7(), run_id, messages };
    await scene.user.as(() => replica.starter.startFor(order));
    const { run, rows } = await scene.ended(run_id);
    const seen = await truthOf(stage, mark);
    expect(seen).toMatchObject({ format: kind, finished: true });
    expect(seen.messages).toEqual([
      { role: 'system', content: 'You are a patient guide to the country.' },
      ...messages,
    ]);
    const output = expect.stringContaining(`You wrote: “${mark}what is this about?`);
    expect(run).toMatchObject({ status: 'completed', error_code: null, output });
    const { prompt_tokens, tokens_sent } = seen;
    expect(rows).toMatchObject([
      { provider_kind: kind, provider_id: scene.provider_id, step: 1, error_code: null, is_estimated: false },
    ]);
    expect(rows).toMatchObject([{ input_tokens: prompt_tokens, output_tokens: tokens_sent }]);
  });

  it('streams the pieces of the answer', async () => {
    const scene = await open();
    const { input } = ask('delay=2 tokens=40');
    const { events, run, rows } = await scene.run(input);
    const pieces = await piecesOf(input);
    expect(pieces).toHaveLength(40);
    // What comes in the same moment is one event: each ends where a piece does.
    const ends = pieces.map((_, index) => pieces.slice(0, index + 1).join(''));
    const tokens = events.filter(({ type }) => type === 'token');
    const heard = tokens.map((_, index) => textOf(tokens.slice(0, index + 1)));
    expect(ends).toEqual(expect.arrayContaining(heard));
    expect(heard.at(-1)).toBe(ends.at(-1));
    expect(heard.length).toBeGreaterThan(1);
    expect(run).toMatchObject({ status: 'completed', output: ends.at(-1) });
    expect(rows).toMatchObject([{ output_tokens: 40, is_estimated: false, error_code: null }]);
  });

  it('calls tools in parallel, and shows the model what they answered', async () => {
    const scene = await open();
    await scene.addBuiltins('calculator', 'current_time');
    const calls = ['calculator:{"expression":"6*7"}', 'current_time:{}', 'calculator:{"expression":"2^10"}'];
    const { mark, input } = ask(calls.map((call) => `tool=${call}`).join(' '));
    const { run, rows } = await scene.run(input);
    const { output } = run;
    expect(run.steps.map(({ tool_calls }) => tool_calls)).toMatchObject([
      [
        { tool_name: 'calculator', status: 'completed', arguments: { expression: '6*7' }, result: { value: 42 } },
        { tool_name: 'current_time', status: 'completed', arguments: {}, result: { time_zone: 'UTC' } },
        { tool_name: 'calculator', status: 'completed', arguments: { expression: '2^10' }, result: { value: 1024 } },
      ],
      [],
    ]);
    // Within the JSON of some vendors, JSON is quoted.
    expect(output?.replaceAll('\\', '')).toMatch(/The tools answered: .*"value":42.*"time_zone":"UTC".*"value":1024/);
    const seen = await providerCalls(stage, mark);
    expect(seen.map(({ tools }) => tools)).toEqual([scene.tools, scene.tools]);
    expect(rows.map(({ step, input_tokens, output_tokens }) => [step, input_tokens, output_tokens])).toEqual(
      seen.map(({ prompt_tokens, tokens_sent }, index) => [index + 1, prompt_tokens, tokens_sent]),
    );
  });

  it('tells tokens of the cache and of reasoning apart, and their sum is the provider’s', async () => {
    const scene = await open();
    const { mark, input } = ask('reason=7 cached=5 tokens=20');
    const { run, rows } = await scene.run(input);
    const { prompt_tokens, tokens_sent, reasoning_tokens } = await truthOf(stage, mark);
    expect([tokens_sent, reasoning_tokens]).toEqual([20, 7]);
    expect(run).toMatchObject({ status: 'completed', usage: bucketsOf(kind, prompt_tokens) });
    expect(rows).toMatchObject([bucketsOf(kind, prompt_tokens)]);
  });

  it('counts the tokens itself where the provider tells none', async () => {
    const scene = await open();
    const { mark, input } = ask('usage=none tokens=100');
    const { rows } = await scene.run(input);
    const { prompt_tokens } = await truthOf(stage, mark);
    expect(rows).toMatchObject([{ is_estimated: true, error_code: null }]);
    expectNear(rows[0]?.input_tokens, prompt_tokens, TOLERANCE);
    expectNear(rows[0]?.output_tokens, 100, TOLERANCE);
  });

  it('waits as long as a 429 asks for, and goes on', async () => {
    const scene = await open({ max_retries: 1 });
    const { mark, input } = ask('tokens=9 fail_times=1 fail=429 retry_after=1');
    const { run, rows } = await scene.run(input);
    expect(run).toMatchObject({ status: 'completed', error_code: null });
    const output_tokens = 9;
    expect(rows).toMatchObject([
      { error_code: 'rate_limited', ...nothing },
      { error_code: null, output_tokens },
    ]);
    const [first = NaN, second = NaN] = rows.map(({ occurred_at }) => new Date(occurred_at).getTime());
    expect(second - first).toBeGreaterThanOrEqual(1000);
    expect(await providerCalls(stage, mark)).toHaveLength(2);
  });
});
