import { providerKinds } from '@taai/contracts';
import { providerCalls, startStage, type Replica, type Stage } from '../../../replica.testing';
import { Scene } from './run-proof.testing';
import { abortedCall, ask, expectNear, piecesOf, textOf, TOLERANCE, truthOf } from './run-truth.testing';

let stage: Stage;
let replica: Replica;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
afterAll(() => stage.close());

/** Of an attempt that the provider refused. */
const nothing = { input_tokens: 0, output_tokens: 0, cost_micro_usd: 0, is_estimated: true };

describe.each(providerKinds)('a run at %s', (kind) => {
  const open = (settings = {}) => Scene.open(stage, replica, { kind, settings });

  it.each([
    ['has no such model', 'model-of-nobody', '', 'invalid_request', 1],
    ['refuses the rate beyond all patience', 'sandbox-1', 'fail=429 retry_after=3600', 'rate_limited', 1],
    ['breaks', 'sandbox-1', 'fail=500', 'unavailable', 2],
    ['is overloaded', 'sandbox-1', kind === 'anthropic' ? 'fail=529' : 'fail=503', 'overloaded', 2],
  ])('fails where the provider %s, with a row for each attempt', async (_, model, directives, code, attempts) => {
    const scene = await open({ max_retries: 1 });
    await scene.update({ model });
    const { run, rows } = await scene.run(ask(directives).input);
    expect(run).toMatchObject({ status: 'failed', error_code: code, usage: nothing });
    expect(rows).toMatchObject(Array.from({ length: attempts }, () => ({ error_code: code, ...nothing })));
  });

  it('fails where the provider hangs, after as many attempts as it is given', async () => {
    const scene = await open({ timeout_ms: 150, max_retries: 1 });
    const { mark, input } = ask('hang');
    const { run, rows } = await scene.run(input);
    expect(run).toMatchObject({ status: 'failed', error_code: 'timeout', output: '' });
    const row = { error_code: 'timeout', output_tokens: 0, is_estimated: true };
    expect(rows).toMatchObject([row, row]);
    const calls = await providerCalls(stage, mark);
    expect(calls).toMatchObject([{ aborted: true }, { aborted: true }]);
    calls.forEach(({ prompt_tokens }, index) => expectNear(rows[index]?.input_tokens, prompt_tokens, TOLERANCE));
  });

  it.each([
    ['is cut', 'tokens=80 delay=1 cut=40'],
    ['turns to garbage', 'tokens=80 garbage=40'],
  ])('whose stream %s fails with what had come, and is not asked for again', async (_, directives) => {
    const scene = await open({ max_retries: 1 });
    const { mark, input } = ask(directives);
    const { events, run, rows } = await scene.run(input);
    const output = (await piecesOf(input)).slice(0, 40).join('');
    expect(run).toMatchObject({ status: 'failed', error_code: 'unavailable', output });
    expect(textOf(events)).toBe(output);
    expect(rows).toMatchObject([{ error_code: 'unavailable' }]);
    const { prompt_tokens, tokens_sent } = await truthOf(stage, mark);
    expect(tokens_sent).toBe(40);
    expectNear(rows[0]?.input_tokens, prompt_tokens, TOLERANCE);
    expectNear(rows[0]?.output_tokens, 40, TOLERANCE);
  });

  it.each([
    ['HTML', 'html'],
    ['garbage', 'garbage'],
    ['nothing before it hangs up', 'cut'],
  ])('fails where a 200 brings %s', async (_, directives) => {
    const scene = await open();
    const { mark, input } = ask(directives);
    const { run, rows } = await scene.run(input);
    expect(run).toMatchObject({ status: 'failed', error_code: 'unavailable', output: '' });
    expect(run.error_detail).not.toContain('<');
    expect(rows).toMatchObject([{ error_code: 'unavailable', output_tokens: 0, is_estimated: true }]);
    expect(rows[0]?.input_tokens).toBeGreaterThan(0);
    await truthOf(stage, mark);
  });

  it('fails where an answer has no end, with what fits', async () => {
    const scene = await open();
    const { mark, input } = ask('endless');
    const { run, rows } = await scene.run(input);
    // Google's SDK keeps what it has read, so its adapter has a bound of its own, which short pieces reach first.
    const error_code = kind === 'google' ? 'unavailable' : 'output_too_long';
    expect(run).toMatchObject({ status: 'failed', error_code });
    expect(run.output?.length).toBeGreaterThan(100_000);
    expect(run.output?.length).toBeLessThanOrEqual(400_000);
    expect(rows).toMatchObject([{ error_code, is_estimated: kind !== 'google' }]);
    expect(rows[0]?.output_tokens).toBeGreaterThan(10_000);
    await abortedCall(stage, mark);
  });

  it.each([
    ['first', 1],
    ['middle', 100],
    ['last', 200],
  ])('that is cancelled at the %s token closes the socket, and is one row near to the truth', async (_, sent) => {
    const scene = await open({ max_retries: 1 });
    const { mark, input } = ask(`tokens=200 hang=${sent}`);
    const output = (await piecesOf(input)).slice(0, sent).join('');
    const id = await scene.start(input);
    await scene.heard(id, output.length);
    expect(await scene.cancel(id)).toMatchObject({ status: 'cancelled', output, error_code: null });
    const { rows } = await scene.ended(id);
    expect(rows).toMatchObject([{ error_code: 'aborted', is_estimated: kind !== 'google' }]);
    const truth = await abortedCall(stage, mark);
    expect(truth).toMatchObject({ tokens_sent: sent, finished: false });
    expectNear(rows[0]?.input_tokens, truth.prompt_tokens, TOLERANCE);
    expectNear(rows[0]?.output_tokens, truth.tokens_sent, TOLERANCE);
  });

  it('that is cancelled while tokens flow is one row near to the truth', async () => {
    const scene = await open();
    const { mark, input } = ask('tokens=400 delay=4');
    const half = (await piecesOf(input)).slice(0, 100).join('');
    const id = await scene.start(input);
    await scene.heard(id, half.length);
    await scene.cancel(id);
    const { run, rows } = await scene.ended(id);
    expect(run.status).toBe('cancelled');
    expect(run.output?.startsWith(half)).toBe(true);
    expect(rows).toMatchObject([{ error_code: 'aborted' }]);
    const { prompt_tokens, tokens_sent } = await abortedCall(stage, mark);
    const { input_tokens, output_tokens } = rows[0] ?? {};
    expectNear((input_tokens ?? 0) + (output_tokens ?? 0), prompt_tokens + tokens_sent, TOLERANCE);
  });
});
