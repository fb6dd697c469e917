import type { Fallback } from '@taai/contracts';
import { ledger, providerCalls, startStage, watch, type Replica, type Stage, type User } from '../replica.testing';
import { CallerLimits } from './caller-limits';
import { testAccounting } from './caller.testing';
import type { ModelReply } from './model-call';
import { ModelCaller } from './model-caller';

let stage: Stage;
let replica: Replica;
let user: User;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
});
afterAll(() => stage.close());

/** A provider whose models are the sandbox's, and the choice of one that is steered. */
const steered = (name: string, directives: string, settings = {}) =>
  user.as(async () => {
    const fields = { name, kind: 'openai' as const, base_url: `${stage.sandbox.url}/v1`, settings };
    const { id: provider_id } = await replica.providers.create(fields);
    await replica.providers.putCredentials({ id: provider_id, api_key: 'sk-sandbox' });
    return { provider_id, model: `sandbox-1[[${directives}]]` };
  });

const threeChoices = async (): Promise<[Fallback, Fallback, Fallback]> => [
  await steered('broken', 'fail=500', { max_retries: 0 }),
  await steered('slow', 'hang', { max_retries: 0, timeout_ms: 200 }),
  await steered('good', 'delay=0'),
];

/** Starts a run of a new agent that asks the first model, then the others. */
const startRun = ({ provider_id, model }: Fallback, fallbacks: Fallback[]) =>
  user.as(async () => {
    const fields = { name: 'Chain', slug: 'chain', system_prompt: '', provider_id, model, fallbacks };
    const agent = await replica.agents.create(fields);
    return replica.starter.start({ id: agent.id, input: 'Who is there?' });
  });

describe('a chain of fallbacks', () => {
  it('serves a run, whose ledger tells all of its calls', async () => {
    const [first, ...fallbacks] = await threeChoices();
    const run = await startRun(first, fallbacks);
    expect((await watch(user, replica, run.id)).at(-1)).toMatchObject({ type: 'run.completed' });
    expect(await ledger(stage, run.id)).toMatchObject([
      { provider_id: first.provider_id, status: 'closed', error_code: 'unavailable' },
      { provider_id: fallbacks[0]?.provider_id, status: 'closed', error_code: 'timeout' },
      { provider_id: fallbacks[1]?.provider_id, status: 'closed', error_code: null, is_estimated: false },
    ]);
  });

  it('ends before a model without a known price, where its provider wants such models refused', async () => {
    const broken = await steered('broken', 'fail=500', { max_retries: 0 });
    const strict = await steered('strict', 'delay=0', { unknown_models: 'block' });
    const run = await startRun(broken, [strict, await steered('good', 'delay=0')]);
    const events = await watch(user, replica, run.id);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { code: 'model_unpriced' } });
    expect(await ledger(stage, run.id)).toMatchObject([
      { provider_id: broken.provider_id, status: 'closed', error_code: 'unavailable' },
    ]);
  });

  it('answers by the third model when the first fails and the second is too slow, and tells all three', async () => {
    const choices = await threeChoices();
    const candidates = await user.as(() => replica.directory.candidates(choices));
    const { accounting, lines, call_ids } = testAccounting<ModelReply>();
    const heard: string[] = [];
    const mark = `fallback of ${user.tenant_id}`;
    const attempt = await new ModelCaller(replica.breakers, new CallerLimits()).call(
      candidates,
      { messages: [{ role: 'user', content: mark }] },
      {
        signal: new AbortController().signal,
        deadline: Date.now() + 30_000,
        accounting,
        onEvent: (event) => {
          if (event.type === 'text') heard.push(event.text);
        },
      },
    );
    expect(attempt).toMatchObject({
      candidate: { provider_name: 'good' },
      reply: { failure: null, stop_reason: 'stop' },
    });
    expect(attempt.reply.text).toContain(mark);
    expect(heard.join('')).toBe(attempt.reply.text);
    expect(lines).toEqual(['open broken', 'close broken unavailable', 'open slow', 'close slow timeout', 'open good']);
    expect(call_ids).toHaveLength(3);
    expect(await providerCalls(stage, mark)).toMatchObject([
      { model: choices[0]?.model, tokens_sent: 0 },
      { model: choices[1]?.model, tokens_sent: 0, aborted: true },
      { model: choices[2]?.model, finished: true },
    ]);
  });
});
