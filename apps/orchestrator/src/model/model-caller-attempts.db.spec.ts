import { setImmediate as immediate } from 'node:timers/promises';
import { Channels, whenReady, type RedisClient } from '@taai/platform';
import { testRedis, until } from '@taai/platform-testing';
import { ProviderError, type ProviderErrorCode } from '@taai/providers';
import { BreakerLimits } from './breaker-limits';
import { CallerLimits } from './caller-limits';
import { scripted, someUsage, testAccounting, type Act, type Scripted } from './caller.testing';
import { CircuitBreakers } from './circuit-breakers';
import type { EmbeddingReply } from './embedding-call';
import type { ModelReply } from './model-call';
import { ModelCaller, type ModelCallerOptions } from './model-caller';
import { ModelFailure } from './model-failure';

let redis: RedisClient;
let channels: Channels;
let caller: ModelCaller;

beforeAll(async () => {
  redis = testRedis('commands');
  channels = new Channels(testRedis('subscriber'));
  await whenReady(redis);
  caller = callerWith({});
});
afterAll(() => {
  redis.disconnect();
  channels.onApplicationShutdown();
});

function callerWith(limits: Partial<CallerLimits>, breakers: Partial<BreakerLimits> = {}): ModelCaller {
  const shared = new CircuitBreakers(redis, channels, Object.assign(new BreakerLimits(), breakers));
  return new ModelCaller(shared, Object.assign(new CallerLimits(), { pause_ms: 1, ...limits }));
}

const error = (code: ProviderErrorCode, retry_after_ms?: number) => new ProviderError(code, code, { retry_after_ms });
const good: Act = { says: 'Hello' };
const failing = (name: string, failure: Error) => scripted(name, [{ fails: failure }]);
const request = { messages: [{ role: 'user' as const, content: 'Hi' }] };

/** Has the models answer, and tells what the accounting says, too. */
async function ask(models: Scripted[], more: Partial<ModelCallerOptions> = {}, by = caller) {
  const { accounting, lines, call_ids } = testAccounting<ModelReply>();
  const begun = performance.now();
  const attempt = await by.call(
    models.map(({ candidate }) => candidate),
    request,
    {
      signal: new AbortController().signal,
      deadline: Date.now() + 30_000,
      accounting,
      onEvent: () => undefined,
      ...more,
    },
  );
  return { attempt, lines, call_ids, ms: performance.now() - begun, calls: models.map(({ calls }) => calls.length) };
}

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
    expect(lines).toEqual([
      ...['open first', 'close first overloaded'],
      ...['open first', 'close first timeout', 'open first'],
    ]);
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
    const by = callerWith({ pause_ms: 40, longest_pause_ms: 50 });
    const { ms } = await ask([failing('first', error('overloaded'))], {}, by);
    chance.mockRestore();
    expect(ms).toBeGreaterThan(85);
  });

  describe('with Retry-After', () => {
    const by = () => callerWith({ longest_retry_after_ms: 200, longest_retry_after_with_fallback_ms: 60 });
    const limited = (ms: number) => scripted('first', [{ fails: error('rate_limited', ms) }, good]);

    it.each([50, 200])('waits for %d ms when nobody else can be asked', async (asked) => {
      const { attempt, ms, calls } = await ask([limited(asked)], {}, by());
      expect(calls).toEqual([2]);
      expect(attempt.reply.failure).toBeNull();
      expect(ms).toBeGreaterThanOrEqual(asked - 1);
    });

    it('gives up, and tells it, when it is longer than a caller should wait', async () => {
      const { attempt, calls } = await ask([limited(201)], {}, by());
      expect(calls).toEqual([1]);
      expect(attempt.reply.failure).toMatchObject({ code: 'rate_limited', retry_after_ms: 201 });
    });

    it('waits less long when somebody else can be asked', async () => {
      expect((await ask([limited(50), scripted('second', [good])], {}, by())).calls).toEqual([2, 0]);
      expect((await ask([limited(61), scripted('second', [good])], {}, by())).calls).toEqual([1, 1]);
    });

    it('asks somebody else at once when it is longer than what is left of the deadline', async () => {
      const { calls, ms } = await ask([limited(9000), scripted('second', [good])], { deadline: Date.now() + 5000 });
      expect(calls).toEqual([1, 1]);
      expect(ms).toBeLessThan(5000);
    });
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

describe('ModelCaller with a breaker that is open', () => {
  const by = () => callerWith({ max_retries: 0 }, { min_calls: 2, flush_ms: 1 });

  /** Fails until nobody asks it any more. */
  async function openBreaker(dead: Scripted, through: ModelCaller): Promise<ProviderError> {
    for (;;) {
      // Models that answer without a network leave no time to tell Redis.
      await immediate();
      try {
        await ask([dead], {}, through);
      } catch (refused) {
        if (refused instanceof ProviderError) return refused;
        throw refused;
      }
    }
  }

  it('says so, and when it is worth while again, when nobody is left', async () => {
    const dead = failing('first', error('unavailable'));
    const refusal = await openBreaker(dead, by());
    expect(refusal.code).toBe('overloaded');
    expect(refusal.message).toContain('left alone');
    expect(refusal.retry_after_ms).toBeGreaterThan(55_000);
    expect(refusal.retry_after_ms).toBeLessThanOrEqual(60_000);
  });

  it('passes over it without a line in the accounting', async () => {
    const [through, dead] = [by(), failing('first', error('unavailable'))];
    await openBreaker(dead, through);
    const calls = dead.calls.length;
    const { lines, attempt } = await ask([dead, scripted('second', [good])], {}, through);
    expect(lines).toEqual(['open second']);
    expect(attempt.reply.text).toBe('Hello');
    expect(dead.calls).toHaveLength(calls);
  });

  it('tells the failure that there was when the rest is passed over', async () => {
    const [through, dead] = [by(), failing('first', error('unavailable'))];
    await openBreaker(dead, through);
    const { attempt, lines } = await ask([failing('second', error('auth')), dead], {}, through);
    expect(attempt).toMatchObject({ candidate: { provider_name: 'second' }, reply: { failure: { code: 'auth' } } });
    expect(lines).toEqual(['open second']);
  });
});

describe('embeddings', () => {
  const embed = (models: Scripted[], signal = new AbortController().signal) => {
    const { accounting, lines } = testAccounting<EmbeddingReply>();
    const options = { signal, deadline: Date.now() + 30_000, accounting };
    const candidates = models.map(({ candidate }) => candidate);
    return caller.embed(candidates, { input: ['a'] }, options).then((attempt) => ({ attempt, lines }));
  };

  it('go the same way', async () => {
    const flaky = scripted('first', [{ fails: error('overloaded') }, { fails: error('auth') }]);
    const { attempt, lines } = await embed([flaky, scripted('second', [good])]);
    expect(lines).toEqual(['open first', 'close first overloaded', 'open first', 'close first auth', 'open second']);
    expect(attempt.reply).toMatchObject({ vectors: [[1, 2]], usage: someUsage, failure: null });
  });

  it('account for nothing when they were stopped before', async () => {
    const { attempt } = await embed([scripted('first', [{ hangs: true }])], AbortSignal.abort());
    expect(attempt.reply).toMatchObject({ vectors: [], usage: { input_tokens: 0 }, failure: { code: 'aborted' } });
  });
});
