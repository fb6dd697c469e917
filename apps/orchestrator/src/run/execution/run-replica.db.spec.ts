import type { Agent, Run } from '@taai/contracts';
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
} from '../../replica.testing';

let stage: Stage;
let user: User;
let agent: Agent;

beforeAll(async () => {
  stage = await startStage();
});
beforeEach(async () => {
  user = await stage.newUser();
  agent = await newAgent(user, await stage.replica(), stage);
});
afterAll(() => stage.close());

const start = (replica: Replica, input: string) => user.as(() => replica.starter.start({ id: agent.id, input }));
const get = (replica: Replica, id: string) => user.as(() => replica.runs.get(id));
const streamsText = (mark: string) => async () => ((await providerCalls(stage, mark))[0]?.tokens_sent ?? 0) > 2;

describe('a replica', () => {
  it('learns from its lease that a run is to be cancelled, when the message was lost', async () => {
    const replica = await stage.replica();
    const mark = v7();
    const run = await start(replica, `${mark} [[hang]]`);
    await until(async () => (await providerCalls(stage, mark)).length === 1);
    await stage.admin.query('update agent_runs set cancel_requested_at = now() where id = $1', [run.id]);
    await replica.executor.extend();
    expect((await watch(user, replica, run.id)).at(-1)).toMatchObject({ type: 'run.cancelled' });
  });

  it('executes no more than its slots hold; the others wait and follow', async () => {
    const replica = await stage.replica({ slots: 1 });
    const runs = [];
    for (const input of ['a', 'b', 'c']) runs.push(await start(replica, `${input} [[tokens=3 delay=300]]`));
    expect(runs.map(({ status }) => status)).toEqual(['running', 'queued', 'queued']);
    const ends = await Promise.all(runs.map(({ id }) => watch(user, replica, id)));
    for (const events of ends) {
      expect(events[0]).toMatchObject({ id: 1, type: 'run.started' });
      expect(events.at(-1)).toMatchObject({ type: 'run.completed' });
    }
    await replica.executor.beforeApplicationShutdown();
  });

  it('keeps slots for other tenants, however long the runs of one take, and gives it more when they end', async () => {
    const replica = await stage.replica({ slots: 3 });
    const mark = v7();
    const runs: Run[] = [];
    for (let n = 0; n < 3; n++) runs.push(await start(replica, `${mark} [[hang]]`));
    expect(runs.map(({ status }) => status)).toEqual(['running', 'running', 'queued']);
    await replica.executor.sweep();
    expect((await get(replica, runs[2]?.id ?? '')).status).toBe('queued');
    const neighbour = await stage.newUser();
    const theirs = await newAgent(neighbour, replica, stage);
    const run = await neighbour.as(() => replica.starter.start({ id: theirs.id, input: 'Hello' }));
    expect(run.status).toBe('running');
    expect((await watch(neighbour, replica, run.id)).at(-1)).toMatchObject({ type: 'run.completed' });
    await user.as(() => replica.runs.cancel(runs[0]?.id ?? ''));
    await until(async () => (await get(replica, runs[2]?.id ?? '')).status === 'running');
    for (const { id } of runs.slice(1)) await user.as(() => replica.runs.cancel(id));
  });

  it('fails a run that waited in the queue beyond its deadline', async () => {
    const run = await start(await stage.replica({ slots: 0, deadline_seconds: 0 }), 'Hello');
    const replica = await stage.replica();
    await replica.executor.sweep();
    const events = await watch(user, replica, run.id);
    expect(events).toMatchObject([
      { type: 'run.started' },
      { type: 'run.failed', data: { code: 'deadline_exceeded' } },
    ]);
    expect(await ledger(stage, run.id)).toEqual([]);
  });

  it('that stops lets runs end', async () => {
    const replica = await stage.replica({ drain_ms: 5000 });
    const run = await start(replica, 'Hello [[tokens=5 delay=10]]');
    await replica.executor.beforeApplicationShutdown();
    expect(await get(replica, run.id)).toMatchObject({ status: 'completed' });
    expect((await start(replica, 'too late')).status).toBe('queued');
  });

  it('that stops leaves long runs to another one', async () => {
    const stopping = await stage.replica({ drain_ms: 20 });
    const mark = v7();
    const run = await start(stopping, `${mark} [[tokens=30 delay=20]]`);
    await until(streamsText(mark));
    await stopping.executor.beforeApplicationShutdown();
    expect((await providerCalls(stage, mark))[0]?.aborted).toBe(true);
    expect(await get(stopping, run.id)).toMatchObject({ status: 'running' });
    const successor = await stage.replica();
    await successor.executor.sweep();
    const events = await watch(user, successor, run.id);
    expect(events.map(({ type }) => type)).toContain('step.retried');
    expect(events.at(-1)).toMatchObject({ type: 'run.completed' });
    expect(await ledger(stage, run.id)).toMatchObject([
      { status: 'closed', is_estimated: true, error_code: 'aborted' },
      { status: 'closed', is_estimated: false, output_tokens: 30 },
    ]);
  });
});
