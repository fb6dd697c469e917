import type { Agent } from '@taai/contracts';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import {
  ledger,
  newAgent,
  providerCalls,
  startStage,
  watch,
  type Replica,
  type Stage,
  type User,
} from '../replica.testing';
import { textOf } from './execution/providers/run-truth.testing';

let stage: Stage;
let replica: Replica;
let user: User;
let agent: Agent;

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
  agent = await newAgent(user, replica, stage);
});
afterAll(() => stage.close());

const start = (input: string) => user.as(() => replica.starter.start({ id: agent.id, input }));
const outbox = async (run_id: string) =>
  (
    await stage.admin.query<{ type: string; payload: object }>(
      `select type, payload from outbox where payload->'data'->>'run_id' = $1`,
      [run_id],
    )
  ).rows;
const streamsText = (mark: string) => async () => ((await providerCalls(stage, mark))[0]?.tokens_sent ?? 0) > 2;

describe('a run that is cancelled', () => {
  it('in mid-stream closes the socket of its provider and leaves one row in the ledger', async () => {
    const mark = v7();
    const run = await start(`${mark} [[tokens=1000 delay=5]]`);
    await until(streamsText(mark));
    const cancelled = await user.as(() => replica.runs.cancel(run.id));
    expect(cancelled).toMatchObject({ status: 'cancelled', error_code: null });
    expect(cancelled.output?.length).toBeGreaterThan(0);

    const events = await watch(user, replica, run.id);
    expect(textOf(events)).toBe(cancelled.output);
    expect(events.slice(-2)).toMatchObject([
      { type: 'usage', data: { is_estimated: true } },
      { type: 'run.cancelled', data: {} },
    ]);
    await until(async () => (await providerCalls(stage, mark))[0]?.aborted === true);
    const rows = await ledger(stage, run.id);
    expect(rows).toMatchObject([{ status: 'closed', is_estimated: true, error_code: 'aborted' }]);
    expect(rows[0]?.input_tokens).toBeGreaterThan(0);
    expect(rows[0]?.output_tokens).toBeGreaterThan(0);
    expect(rows[0]?.cost_micro_usd).toBe(cancelled.usage?.cost_micro_usd);
    expect(await outbox(run.id)).toMatchObject([{ type: 'agent.run.cancelled' }]);
  });

  it('in the queue ends there', async () => {
    const full = await stage.replica({ slots: 0 });
    const run = await user.as(() => full.starter.start({ id: agent.id, input: 'Hello' }));
    expect(run.status).toBe('queued');
    const reading = watch(user, full, run.id);
    expect(await user.as(() => full.runs.cancel(run.id))).toMatchObject({ status: 'cancelled', output: null });
    expect(await reading).toEqual([{ id: 1, type: 'run.cancelled', data: {} }]);
    expect(await ledger(stage, run.id)).toEqual([]);
  });

  it('after its end stays as it is', async () => {
    const run = await start('Hello [[tokens=1 delay=0]]');
    const events = await watch(user, replica, run.id);
    expect(await user.as(() => replica.runs.cancel(run.id))).toMatchObject({ status: 'completed' });
    expect(await watch(user, replica, run.id)).toEqual(events);
  });
});

describe('a run whose provider fails', () => {
  const refused = { input_tokens: 0, output_tokens: 0, cost_micro_usd: 0 };

  it.each([
    ['is broken', '[[fail=500]]', 'unavailable', refused, 3],
    ['has too many requests', '[[fail=429]]', 'rate_limited', refused, 3],
    ['refuses the request', '[[fail=400]]', 'invalid_request', refused, 1],
    ['breaks off', '[[cut=3 delay=20]]', 'unavailable', { input_tokens: 21 }, 1],
  ])('because it %s fails with a code, and leaves a row per attempt', async (_, directive, code, used, attempts) => {
    const run = await start(`Hello ${directive}`);
    const events = await watch(user, replica, run.id);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { code, detail: expect.any(String) } });
    expect(events.at(-2)).toMatchObject({ type: 'usage', data: { ...used, is_estimated: true } });
    const failed = await user.as(() => replica.runs.get(run.id));
    expect(failed).toMatchObject({ status: 'failed', error_code: code, usage: { ...used, is_estimated: true } });
    const row = { status: 'closed', ...used, is_estimated: true, error_code: code };
    expect(await ledger(stage, run.id)).toMatchObject(Array.from({ length: attempts }, () => row));
    expect(await outbox(run.id)).toMatchObject([{ type: 'agent.run.failed' }]);
  });

  it('because it says nothing more fails at its deadline, with what was said', async () => {
    const hurried = await stage.replica({ deadline_seconds: 2 });
    const mark = v7();
    const run = await user.as(() => hurried.starter.start({ id: agent.id, input: `${mark} [[hang=2 delay=1]]` }));
    const events = await watch(user, hurried, run.id);
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', data: { code: 'deadline_exceeded' } });
    expect(await ledger(stage, run.id)).toMatchObject([{ status: 'closed', output_tokens: 2, is_estimated: true }]);
    expect((await user.as(() => hurried.runs.get(run.id))).output).toBe('You wrote');
    await until(async () => (await providerCalls(stage, mark))[0]?.aborted === true);
  });

  it('because it leads inside is told so', async () => {
    const run = await user.as(async () => {
      const [provider] = (await replica.providers.list({ limit: 20 })).data;
      await stage.admin.query(`update providers set base_url = 'http://10.0.0.1/v1' where id = $1`, [provider?.id]);
      return start('Hello');
    });
    const events = await watch(user, replica, run.id);
    expect(events.at(-1)?.data).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining('10.0.0.1'),
    });
    expect(await ledger(stage, run.id)).toMatchObject([{ ...refused, is_estimated: false }]);
  });
});
