import { providerCalls, startStage, type Replica, type Stage } from '../../../replica.testing';
import { Scene } from './run-proof.testing';
import { PROSE, textOf } from './run-truth.testing';

let stage: Stage;
let replica: Replica;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
afterAll(() => stage.close());

describe('a run whose first provider breaks and whose second one is slow', () => {
  /** Three providers of three kinds, each tried `1 + max_retries` times; the sandbox is steered by the names of the models. */
  async function threeProviders(max_retries: number) {
    const settings = { max_retries };
    const scene = await Scene.open(stage, replica, { settings });
    const slow = await scene.addProvider({ kind: 'anthropic', settings: { ...settings, timeout_ms: 150 } });
    const good = await scene.addProvider({ kind: 'google', settings });
    const models = ['sandbox-1[[fail=500]]', 'sandbox-1[[slow=60000]]', 'sandbox-1'] as const;
    const fallbacks = [
      { provider_id: slow, model: models[1] },
      { provider_id: good, model: models[2] },
    ];
    await scene.update({ model: models[0], fallbacks });
    return { scene, providers: [scene.provider_id, slow, good], models };
  }

  it.each([
    ['once', 0, [0, 1, 2]],
    ['twice', 1, [0, 0, 1, 1, 2]],
  ])('has its answer from the third, each tried %s, and tells of all', async (times, max_retries, order) => {
    const { scene, providers, models } = await threeProviders(max_retries);
    const mark = `Tried ${times}: `;
    const { events, run, rows } = await scene.run(`${mark}${PROSE} [[delay=1]]`);

    const kinds = ['openai', 'anthropic', 'google'];
    const codes = ['unavailable', 'timeout', null];
    const attempts = order.map((index) => ({
      provider_id: providers[index],
      model: models[index],
      error_code: codes[index],
    }));
    expect(run).toMatchObject({ status: 'completed', error_code: null });
    expect(run.output).toContain(`You wrote: “${mark}${PROSE}”`);
    expect(textOf(events)).toBe(run.output);
    expect(run.steps).toMatchObject([{ step: 1, output: run.output, attempts, tool_calls: [] }]);
    expect(rows).toMatchObject(
      attempts.map((attempt, place) => ({ ...attempt, step: 1, provider_kind: kinds[order[place] ?? 0] })),
    );
    // What was refused costs nothing; who was slow may have read the prompt.
    for (const { error_code, input_tokens, output_tokens } of rows) {
      if (error_code !== null) expect(output_tokens).toBe(0);
      expect(input_tokens === 0).toBe(error_code === 'unavailable');
    }
    const calls = await providerCalls(stage, mark);
    expect(calls.map(({ format }) => format)).toEqual(order.map((index) => kinds[index]));
    for (const { format, aborted } of calls) expect(aborted).toBe(format === 'anthropic');
  });

  it('fails with the last one’s error when the third is of no use either', async () => {
    const { scene, providers, models } = await threeProviders(0);
    const fallbacks = [1, 2].map((index) => ({
      provider_id: providers[index] ?? '',
      model: index === 2 ? 'nobody' : (models[index] ?? ''),
    }));
    await scene.update({ fallbacks });
    const { run, rows } = await scene.run('Is anybody there?');
    expect(run).toMatchObject({ status: 'failed', error_code: 'invalid_request' });
    expect(rows.map(({ error_code }) => error_code)).toEqual(['unavailable', 'timeout', 'invalid_request']);
  });

  it('does not ask the next one once the answer has begun', async () => {
    const { scene } = await threeProviders(1);
    await scene.update({ model: 'sandbox-1[[tokens=20 cut=5 delay=1]]' });
    const { run, rows } = await scene.run('Will you finish?');
    expect(run).toMatchObject({ status: 'failed', error_code: 'unavailable' });
    expect(run.output).not.toBe('');
    expect(rows).toHaveLength(1);
  });
});

describe('a run whose models cannot all be asked', () => {
  it.each([
    ['has no credentials', true],
    ['is not active', false],
  ])('passes over a provider that %s', async (_, is_active) => {
    const scene = await Scene.open(stage, replica, {});
    const { id } = await scene.user.as(() => replica.providers.create({ name: 'bare', kind: 'groq', is_active }));
    if (!is_active) await scene.user.as(() => replica.providers.putCredentials({ id, api_key: 'sk-sandbox' }));
    const last = await scene.addProvider({ kind: 'ollama' });
    const fallbacks = [id, last].map((provider_id) => ({ provider_id, model: 'sandbox-1' }));
    await scene.update({ model: 'sandbox-1[[fail=500]]', fallbacks });
    const { run, rows } = await scene.run('Hello [[delay=0]]');
    expect(run.status).toBe('completed');
    expect(rows.map(({ provider_id }) => provider_id)).toEqual([scene.provider_id, last]);
  });

  it.each([
    ['is no longer active', (id: string) => replica.providers.update({ id, is_active: false })],
    ['has another address, and thus no credentials', (id: string) => replica.providers.update({ id, base_url: null })],
  ])('and waits in the queue until its provider %s fails without a call', async (_, change) => {
    const scene = await Scene.open(stage, replica, {});
    const full = await stage.replica({ slots: 0 });
    const { id } = await scene.user.as(() => full.starter.start({ id: scene.agent_id, input: 'Hello' }));
    await scene.user.as(() => change(scene.provider_id));
    await replica.executor.sweep();
    const { run, rows } = await scene.ended(id);
    expect(run).toMatchObject({ status: 'failed', error_code: 'agent_not_ready', usage: null, steps: [] });
    expect(rows).toEqual([]);
  });
});
