import { until } from '@taai/platform-testing';
import { type ProviderErrorCode } from '@taai/providers';
import { error, failing, good, scripted, someUsage, testAccounting } from './caller.testing';
import { startCallers, type CallerStage } from './caller-stage.testing';
import type { ModelReply } from './model-call';
import { ModelFailure } from './model-failure';

let stage: CallerStage;

beforeAll(async () => {
  stage = await startCallers();
});
afterAll(() => stage.close());

const ask: CallerStage['ask'] = (...args) => stage.ask(...args);

describe('ModelCaller', () => {
  it('asks the first model, once, when it answers', async () => {
    const [first, second] = [scripted('first', [good]), scripted('second', [good])];
    const { attempt, lines, call_ids, calls } = await ask([first, second]);
    expect(attempt).toMatchObject({ reply: { text: 'Hello', failure: null }, candidate: first.candidate });
    expect(lines).toEqual(['open first']);
    expect([attempt.call_id]).toEqual(call_ids);
    expect(calls).toEqual([1, 0]);
  });

  it.each<[ProviderErrorCode, number[]]>([
    ['rate_limited', [3, 1]],
    ['overloaded', [3, 1]],
    ['timeout', [3, 1]],
    ['unavailable', [3, 1]],
    ['auth', [1, 1]],
    ['context_length', [1, 1]],
    ['invalid_request', [1, 1]],
    ['content_filter', [1, 0]],
    ['aborted', [1, 0]],
  ])('after %s asks the first and the second model %j times', async (code, expected) => {
    const { attempt, lines, call_ids, calls } = await ask([failing('first', error(code)), scripted('second', [good])]);
    expect(calls).toEqual(expected);
    const tries = Array.from({ length: expected[0] ?? 0 }, () => ['open first', `close first ${code}`]).flat();
    // The last attempt is the caller's to close.
    expect(lines).toEqual(expected[1] ? [...tries, 'open second'] : tries.slice(0, -1));
    expect(new Set(call_ids).size).toBe(call_ids.length);
    expect(attempt.call_id).toBe(call_ids.at(-1));
    expect(attempt.reply.failure).toEqual(expected[1] ? null : error(code));
  });

  it.each([
    ['an answer without end', new ModelFailure('output_too_long', 'Too long.')],
    ['a fault of ours', new TypeError('bug')],
  ])('tries nothing else after %s', async (_, failure) => {
    const { attempt, calls } = await ask([failing('first', failure), scripted('second', [good])]);
    expect(calls).toEqual([1, 0]);
    expect(attempt.reply.failure).toBe(failure);
  });

  it.each<ProviderErrorCode>(['unavailable', 'timeout', 'overloaded', 'invalid_request'])(
    'tries nothing else when an answer that has begun ends with %s, and keeps its partial usage',
    async (code) => {
      const begun = scripted('first', [{ says: 'Hel', usage: someUsage, fails: error(code) }]);
      const { attempt, calls, lines } = await ask([begun, scripted('second', [good])]);
      expect(calls).toEqual([1, 0]);
      expect(lines).toEqual(['open first']);
      expect(attempt.reply).toMatchObject({ text: 'Hel', pieces: 1, usage: someUsage, failure: { code } });
    },
  );

  it('answers by a retry', async () => {
    const flaky = scripted('first', [{ fails: error('overloaded') }, { fails: error('timeout') }, good]);
    const { attempt, lines, calls } = await ask([flaky, scripted('second', [good])]);
    expect(calls).toEqual([3, 0]);
    expect(attempt.reply.text).toBe('Hello');
    expect(lines).toEqual(['open first', 'close first overloaded', 'open first', 'close first timeout', 'open first']);
  });

  it('tells the last failure when nobody answers', async () => {
    const { attempt, calls } = await ask([failing('first', error('auth')), failing('second', error('unavailable'))]);
    expect(calls).toEqual([1, 3]);
    expect(attempt).toMatchObject({
      candidate: { provider_name: 'second' },
      reply: { failure: { code: 'unavailable' } },
    });
  });

  it('retries as often as the provider’s settings say', async () => {
    const settings = { max_retries: 0 };
    const once = scripted('first', [{ fails: error('unavailable') }], { settings });
    expect((await ask([once, scripted('second', [good])])).calls).toEqual([1, 1]);
  });

  it('waits longer before each retry, by chance, up to a bound', async () => {
    const chance = jest.spyOn(Math, 'random').mockReturnValue(0.999);
    const by = stage.callerWith({ pause_ms: 40, longest_pause_ms: 50 });
    const { ms } = await ask([failing('first', error('overloaded'))], {}, by);
    chance.mockRestore();
    expect(ms).toBeGreaterThan(85);
  });

  it('makes no further attempt after the deadline', async () => {
    const slow = failing('first', error('timeout'));
    const { calls, attempt } = await ask([slow, scripted('second', [good])], { deadline: Date.now() - 1 });
    expect(calls).toEqual([1, 0]);
    expect(attempt.reply.failure).toMatchObject({ code: 'timeout' });
  });

  it('gives each attempt the time to its first token, and no more than what is left in all', async () => {
    const settings = { timeout_ms: 1234, max_retries: 0 };
    const first = scripted('first', [{ fails: error('timeout') }], { settings });
    const second = scripted('second', [{ fails: error('auth') }]);
    const third = scripted('third', [good], { settings: { timeout_ms: 600_000 } });
    await ask([first, second, third], { deadline: Date.now() + 100_000 });
    expect(first.calls[0]?.first_token_timeout_ms).toBe(1234);
    expect(second.calls[0]?.first_token_timeout_ms).toBe(60_000);
    expect(third.calls[0]?.first_token_timeout_ms).toBe(third.calls[0]?.timeout_ms);
    for (const { calls } of [first, second, third]) {
      expect(calls[0]?.timeout_ms).toBeLessThanOrEqual(100_000);
      expect(calls[0]?.timeout_ms).toBeGreaterThan(90_000);
    }
  });

  it('ends at once when it is aborted between two attempts', async () => {
    const aborter = new AbortController();
    const first = failing('first', error('rate_limited', 8000));
    const asking = ask([first], { signal: aborter.signal });
    await until(() => first.calls.length === 1);
    aborter.abort();
    const { attempt, ms, lines, calls } = await asking;
    expect(calls).toEqual([1]);
    expect(lines).toEqual(['open first']);
    expect(attempt.reply.failure).toMatchObject({ code: 'rate_limited' });
    expect(ms).toBeLessThan(8000);
  });

  it('ends at once when it is aborted within an attempt', async () => {
    const aborter = new AbortController();
    const hanging = scripted('first', [{ hangs: true }]);
    const asking = ask([hanging, scripted('second', [good])], { signal: aborter.signal });
    await until(() => hanging.calls.length === 1);
    aborter.abort();
    const { attempt, calls } = await asking;
    expect(calls).toEqual([1, 0]);
    expect(attempt.reply.failure).toMatchObject({ code: 'aborted' });
  });

  it.each(['open', 'close'] as const)('asks nobody whom the accounting does not take: %s throws', async (method) => {
    const { accounting, lines } = testAccounting<ModelReply>();
    const broke = new Error('budget');
    const models = [failing('first', error('auth')), scripted('second', [good])];
    let opened = 0;
    const strict = {
      open: async (...args: Parameters<typeof accounting.open>) => {
        if (method === 'open' && ++opened === 2) throw broke;
        return accounting.open(...args);
      },
      close: (...args: Parameters<typeof accounting.close>) =>
        method === 'close' ? Promise.reject(broke) : accounting.close(...args),
    };
    await expect(ask(models, { accounting: strict })).rejects.toBe(broke);
    expect(models.map(({ calls }) => calls.length)).toEqual([1, 0]);
    expect(lines).toEqual(method === 'open' ? ['open first', 'close first auth'] : ['open first']);
  });

  it('needs a model', async () => {
    await expect(ask([])).rejects.toThrow('There is no model to call.');
  });
});
