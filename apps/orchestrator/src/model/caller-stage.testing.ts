import { Channels, whenReady } from '@taai/platform';
import { testRedis } from '@taai/platform-testing';
import { BreakerLimits } from './breaker-limits';
import { CallerLimits } from './caller-limits';
import { testAccounting, type Scripted } from './caller.testing';
import { CircuitBreakers } from './circuit-breakers';
import type { ModelReply } from './model-call';
import { ModelCaller, type ModelCallerOptions } from './model-caller';

const request = { messages: [{ role: 'user' as const, content: 'Hi' }] };

/** Callers of models whose breakers are in the test's Redis. */
export async function startCallers() {
  const redis = testRedis('commands');
  const channels = new Channels(testRedis('subscriber'));
  await whenReady(redis);

  const callerWith = (limits: Partial<CallerLimits>, breakers: Partial<BreakerLimits> = {}): ModelCaller =>
    new ModelCaller(
      new CircuitBreakers(redis, channels, Object.assign(new BreakerLimits(), breakers)),
      Object.assign(new CallerLimits(), { pause_ms: 1, ...limits }),
    );
  const caller = callerWith({});

  /** Has the models answer, and tells what the accounting says, too. */
  async function ask(models: Scripted[], more: Partial<ModelCallerOptions> = {}, by = caller) {
    const { accounting, lines, call_ids } = testAccounting<ModelReply>();
    const begun = performance.now();
    const candidates = models.map(({ candidate }) => candidate);
    const attempt = await by.call(candidates, request, {
      signal: new AbortController().signal,
      deadline: Date.now() + 30_000,
      accounting,
      onEvent: () => undefined,
      ...more,
    });
    return { attempt, lines, call_ids, ms: performance.now() - begun, calls: models.map(({ calls }) => calls.length) };
  }

  return {
    caller,
    callerWith,
    ask,
    close: () => {
      redis.disconnect();
      channels.onApplicationShutdown();
    },
  };
}

export type CallerStage = Awaited<ReturnType<typeof startCallers>>;
