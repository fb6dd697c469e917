import type { Agent } from '@taai/contracts';
import { LeaseLost, RunLogWriter } from '@taai/platform';
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

/** As if the replica that has the run had been silent for too long. */
const expire = (id: string) =>
  stage.admin.query(`update agent_runs set lease_until = now() - interval '1 s' where id = $1`, [id]);

describe('a run whose replica is gone', () => {
  it('is not kept by a replica that has its lease and does not execute it', async () => {
    const [keeper, other] = [await stage.replica(), await stage.replica()];
    const kept = await start(keeper, '[[tokens=400 delay=20]]');
    const forgotten = await start(other, '[[tokens=400 delay=20]]');
    const set = `lease_owner = $2, lease_until = now() - interval '1 s'`;
    await stage.admin.query(`update agent_runs set ${set} where id = any($1)`, [
      [kept.id, forgotten.id],
      keeper.holder.runs.owner,
    ]);
    await keeper.executor.extend();
    const sql = 'select id from agent_runs where id = any($1) and lease_until < now()';
    const { rows } = await stage.admin.query(sql, [[kept.id, forgotten.id]]);
    expect(rows).toEqual([{ id: forgotten.id }]);
    for (const { id } of [kept, forgotten]) await user.as(() => keeper.runs.cancel(id));
  });

  it('is taken up by another one, which takes back what was said and says it again', async () => {
    const [dying, successor] = [await stage.replica(), await stage.replica()];
    const mark = v7();
    const run = await start(dying, `${mark} [[tokens=40 delay=20]]`);
    const watching = watch(user, dying, run.id);
    await until(streamsText(mark));
    await expire(run.id);
    await successor.executor.sweep();

    const events = await watching;
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    const retried = events.findIndex(({ type }) => type === 'step.retried');
    expect(events[retried]?.data).toEqual({ step: 1, after_id: 1 });
    expect(retried).toBeGreaterThan(1);
    const kept = events.slice(retried).flatMap(({ type, data }) => (type === 'token' ? [data.text] : []));
    const { output, usage } = await get(successor, run.id);
    expect(kept.join('')).toBe(output);
    expect((await providerCalls(stage, mark)).at(-1)).toMatchObject({ finished: true, tokens_sent: 40 });

    const rows = await ledger(stage, run.id);
    expect(rows).toMatchObject([
      { status: 'estimated', is_estimated: true, error_code: 'replica_lost' },
      { status: 'closed', is_estimated: false, output_tokens: 40 },
    ]);
    const sum = (key: 'input_tokens' | 'output_tokens' | 'cost_micro_usd') =>
      rows.reduce((total, row) => total + Number(row[key]), 0);
    expect(usage).toMatchObject({
      input_tokens: sum('input_tokens'),
      output_tokens: sum('output_tokens'),
      cost_micro_usd: sum('cost_micro_usd'),
      is_estimated: true,
    });
    // The first replica only seemed dead: it has noticed, and left its provider.
    await until(async () => (await providerCalls(stage, mark))[0]?.aborted === true);
    await until(() => dying.executor.running.size === 0);
    expect(await ledger(stage, run.id)).toHaveLength(2);
  });

  it('cannot be finished, continued or released by the old one', async () => {
    const [stale, successor] = [await stage.replica(), await stage.replica()];
    const mark = v7();
    const { id } = await start(stale, `${mark} [[hang]]`);
    await until(async () => (await providerCalls(stage, mark)).length === 1);
    const [open] = await ledger(stage, id);
    await stage.admin.query('update agent_runs set lease_owner = $2 where id = $1', [id, successor.holder.runs.owner]);
    const { rows } = await stage.admin.query('select * from agent_runs where id = $1', [id]);
    const [candidate] = await user.as(() => stale.directory.candidates([rows[0].state]));
    if (!candidate) throw new Error('The run has no model.');
    const reply = {
      text: 'mine',
      reasoning_characters: 0,
      tool_calls: [],
      pieces: 1,
      stop_reason: null,
      usage: null,
      failure: null,
      latency_ms: 1,
    };
    const call = { call_id: open?.call_id ?? '', candidate, reply };
    const held = stale.holder.hold(rows[0], new RunLogWriter(stage.redis, id));
    await user.as(async () => {
      const finish = held.finish({ status: 'completed', failure: null, call });
      await expect(finish).rejects.toThrow(LeaseLost);
      await expect(held.handOver(call)).rejects.toThrow(LeaseLost);
      await expect(held.open(v7(), candidate)).rejects.toThrow(LeaseLost);
    });
    expect((await stage.admin.query('select * from agent_runs where id = $1', [id])).rows).toEqual(rows);
    expect(await ledger(stage, id)).toEqual([open]);

    await stale.executor.extend();
    await until(() => stale.executor.running.size === 0);
    await until(async () => (await providerCalls(stage, mark))[0]?.aborted === true);
    expect(await get(successor, id)).toMatchObject({ status: 'running' });
  });

  it('is not taken while its lease is extended', async () => {
    const [holder, other] = [await stage.replica(), await stage.replica()];
    const mark = v7();
    const run = await start(holder, `${mark} [[hang]]`);
    await until(async () => (await providerCalls(stage, mark)).length === 1);
    await expire(run.id);
    await holder.executor.extend();
    await other.executor.sweep();
    expect(other.executor.running.has(run.id)).toBe(false);
    await user.as(() => holder.runs.cancel(run.id));
  });

  it('is cancelled by its successor, when that was asked for meanwhile', async () => {
    const [dying, successor] = [await stage.replica(), await stage.replica()];
    const mark = v7();
    const run = await start(dying, `${mark} [[hang=1 delay=0]]`);
    await until(async () => (await providerCalls(stage, mark))[0]?.tokens_sent === 1);
    await stage.admin.query('update agent_runs set cancel_requested_at = now() where id = $1', [run.id]);
    await expire(run.id);
    await successor.executor.sweep();
    const events = await watch(user, successor, run.id);
    expect(events.at(-1)).toMatchObject({ type: 'run.cancelled' });
    expect(await ledger(stage, run.id)).toMatchObject([{ status: 'estimated' }]);
  });
});
