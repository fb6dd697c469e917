import { setImmediate as immediate } from 'node:timers/promises';
import { ProviderError } from '@taai/providers';
import { startCallers, type CallerStage } from './caller-stage.testing';
import { error, failing, good, scripted, someUsage, testAccounting, type Scripted } from './caller.testing';
import type { EmbeddingReply } from './embedding-call';
import type { ModelCaller } from './model-caller';

let stage: CallerStage;

beforeAll(async () => {
  stage = await startCallers();
});
afterAll(() => stage.close());

const ask: CallerStage['ask'] = (...args) => stage.ask(...args);

describe('ModelCaller with Retry-After', () => {
  const by = () => stage.callerWith({ longest_retry_after_ms: 200, longest_retry_after_with_fallback_ms: 60 });
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

describe('ModelCaller with a breaker that is open', () => {
  const by = () => stage.callerWith({ max_retries: 0 }, { min_calls: 2, flush_ms: 1 });

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
  const embed = (models: Scripted[]) => {
    const { signal } = new AbortController();
    const { accounting, lines } = testAccounting<EmbeddingReply>();
    const options = { signal, deadline: Date.now() + 30_000, accounting };
    const candidates = models.map(({ candidate }) => candidate);
    return stage.caller.embed(candidates, { input: ['a'] }, options).then((attempt) => ({ attempt, lines }));
  };

  it('go the same way', async () => {
    const flaky = scripted('first', [{ fails: error('overloaded') }, { fails: error('auth') }]);
    const { attempt, lines } = await embed([flaky, scripted('second', [good])]);
    expect(lines).toEqual(['open first', 'close first overloaded', 'open first', 'close first auth', 'open second']);
    expect(attempt.reply).toMatchObject({ vectors: [[1, 2]], usage: someUsage, failure: null });
  });
});
