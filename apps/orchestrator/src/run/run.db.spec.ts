import type { Agent } from '@taai/contracts';
import { keys } from '@taai/platform';
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

const problem = (code: string) => expect.objectContaining({ name: 'ProblemError', code });
const start = (input: string) => user.as(() => replica.starter.start({ id: agent.id, input }));
const outbox = async (run_id: string) =>
  (
    await stage.admin.query<{ type: string; payload: object }>(
      `select type, payload from outbox where payload->'data'->>'run_id' = $1`,
      [run_id],
    )
  ).rows;

describe('a run', () => {
  it('is answered at once, streamed, accounted for and told of', async () => {
    const mark = v7();
    const run = await user.as(() =>
      replica.starter.start({ id: agent.id, input: `Hello ${mark} [[delay=1]]`, metadata: { ticket: 7 } }),
    );
    expect(run).toMatchObject({ agent_id: agent.id, agent_version: 1, status: 'running', output: null, usage: null });

    const events = await watch(user, replica, run.id);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(events[0]).toEqual({ id: 1, type: 'run.started', data: { run_id: run.id, agent_id: agent.id } });
    const text = events.flatMap(({ type, data }) => (type === 'token' ? [data.text] : [])).join('');
    expect(text).toContain(`You wrote: “Hello ${mark}”`);

    const [call] = await ledger(stage, run.id);
    const [seen] = await providerCalls(stage, mark);
    const { prompt_tokens = NaN, tokens_sent = NaN } = seen ?? {};
    const usage = {
      input_tokens: prompt_tokens,
      cache_read_tokens: null,
      cache_write_tokens: null,
      output_tokens: tokens_sent,
      reasoning_tokens: null,
      cost_micro_usd: Math.round((prompt_tokens * 150_000 + tokens_sent * 600_000) / 1e6),
      is_estimated: false,
    };
    expect(events.slice(-2).map(({ type, data }) => ({ type, data }))).toEqual([
      { type: 'usage', data: usage },
      { type: 'run.completed', data: { output: text, stop_reason: 'stop', incomplete: null } },
    ]);
    const { finished_at, ...ended } = await user.as(() => replica.runs.get(run.id));
    expect(finished_at).toBeInstanceOf(Date);
    expect(ended).toMatchObject({ status: 'completed', output: text, usage, input: `Hello ${mark} [[delay=1]]` });
    expect(ended.metadata).toEqual({ ticket: 7 });
    expect(call).toMatchObject({
      status: 'closed',
      kind: 'chat',
      provider_kind: 'openai',
      model: 'sandbox-1',
      agent_id: agent.id,
      user_id: user.user_id,
      tenant_id: user.tenant_id,
      error_code: null,
      is_estimated: false,
    });
    expect(await ledger(stage, run.id)).toHaveLength(1);
    expect(await outbox(run.id)).toEqual([
      {
        type: 'agent.run.completed',
        payload: expect.objectContaining({
          data: { run_id: run.id, agent_id: agent.id, conversation_id: null, status: 'completed' },
        }),
      },
    ]);
    expect(seen?.messages[0]).toEqual({ role: 'system', content: 'Repeat.' });
  });

  it('has ended in the database when its last event is read', async () => {
    const run = await start('Hello [[tokens=3 delay=0]]');
    for await (const event of replica.reader.read(run.id, { rebuild: async () => [] })) {
      if (event.type !== 'run.completed') continue;
      expect((await user.as(() => replica.runs.get(run.id))).status).toBe('completed');
    }
  });

  it('can be read when its log has expired, from any event on', async () => {
    const run = await start('Hello [[tokens=9 delay=1]]');
    const live = await watch(user, replica, run.id);
    await stage.redis.del(keys.runLog(run.id));
    const rebuilt = await watch(user, replica, run.id);
    const last = live.length;
    expect(rebuilt.map(({ id, type }) => [id, type])).toEqual([
      [1, 'run.started'],
      [last - 2, 'token'],
      [last - 1, 'usage'],
      [last, 'run.completed'],
    ]);
    expect(rebuilt.slice(-2)).toEqual(live.slice(-2));
    expect(rebuilt[3]?.data).toMatchObject({ output: textOf(rebuilt) });
  });

  it('tells what the model thinks while it does, and keeps none of it', async () => {
    const other = await stage.newUser();
    const { id } = await newAgent(other, replica, stage, 'anthropic');
    const run = await other.as(() => replica.starter.start({ id, input: 'Hello [[reason=3 tokens=2 delay=1]]' }));
    const live = await watch(other, replica, run.id);
    const types = live.map(({ type }) => type);
    expect(types.lastIndexOf('reasoning')).toBeLessThan(types.indexOf('token'));
    expect(live.flatMap(({ type, data }) => (type === 'reasoning' ? [data.text] : [])).join('')).toMatch(/\w/);
    await stage.redis.del(keys.runLog(run.id));
    const rebuilt = await watch(other, replica, run.id);
    expect(rebuilt.map(({ type }) => type)).toEqual(['run.started', 'token', 'usage', 'run.completed']);
    expect(textOf(rebuilt)).toBe(textOf(live));
  });

  it('says that its answer is not whole', async () => {
    await user.as(() => replica.agents.update({ id: agent.id, max_output_tokens: 2 }));
    const run = await start('Hello [[tokens=9 delay=0]]');
    const live = await watch(user, replica, run.id);
    const end = { stop_reason: 'length', incomplete: { reason: 'length' } };
    expect(live.at(-1)).toMatchObject({ type: 'run.completed', data: end });
    expect(await user.as(() => replica.runs.get(run.id))).toMatchObject(end);
    await stage.redis.del(keys.runLog(run.id));
    expect((await watch(user, replica, run.id)).at(-1)).toEqual(live.at(-1));
  });

  it('is listed with its agent, and is nobody else’s', async () => {
    const runs = [await start('one [[tokens=1 delay=0]]'), await start('two [[tokens=1 delay=0]]')];
    for (const { id } of runs) await watch(user, replica, id);
    await user.as(async () => {
      const first = await replica.runs.list({ id: agent.id, limit: 1 });
      const second = await replica.runs.list({ id: agent.id, limit: 1, cursor: first.next_cursor ?? '' });
      expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(runs.map(({ id }) => id).reverse());
      expect((await replica.runs.list({ id: agent.id, status: 'failed', limit: 20 })).data).toEqual([]);
    });
    const other = await stage.newUser();
    for (const id of [runs[0]?.id ?? '', v7()]) {
      await other.as(async () => {
        await expect(replica.runs.get(id)).rejects.toEqual(problem('not_found'));
        await expect(replica.runs.events(id)).rejects.toEqual(problem('not_found'));
        await expect(replica.runs.cancel(id)).rejects.toEqual(problem('not_found'));
      });
    }
  });

  it('needs an active agent with an active provider that has credentials', async () => {
    const { agents, providers, starter } = replica;
    const refused = problem('agent_not_ready');
    await user.as(async () => {
      const [provider] = (await providers.list({ limit: 20 })).data;
      const without = await providers.create({ name: 'empty', kind: 'openai', priority: 1 });
      await agents.update({ id: agent.id, provider_id: without.id });
      await expect(start('x')).rejects.toEqual(refused);
      await agents.update({ id: agent.id, provider_id: null, is_active: false });
      await expect(start('x')).rejects.toEqual(refused);
      await agents.update({ id: agent.id, is_active: true });
      await providers.update({ id: provider?.id ?? '', is_active: false });
      await expect(start('x')).rejects.toEqual(refused);
      expect((await replica.runs.list({ id: agent.id, limit: 20 })).data).toEqual([]);
      await providers.update({ id: without.id, base_url: `${stage.sandbox.url}/v1` });
      await providers.putCredentials({ id: without.id, api_key: 'sk' });
      const run = await starter.start({ id: agent.id, input: 'x [[tokens=1 delay=0]]' });
      await watch(user, replica, run.id);
      expect((await ledger(stage, run.id))[0]?.provider_id).toBe(without.id);
    });
  });

  it('goes to the provider that is tried first', async () => {
    const run = await user.as(async () => {
      const base_url = `${stage.sandbox.url}/v1`;
      const { id } = await replica.providers.create({ name: 'first', kind: 'openai', priority: 0, base_url });
      await replica.providers.putCredentials({ id, api_key: 'sk-sandbox-invalid' });
      return start('x');
    });
    expect((await watch(user, replica, run.id)).at(-1)?.data).toMatchObject({ code: 'auth' });
  });

  it('holds no connection of the pool while its provider thinks', async () => {
    const ids = await Promise.all(Array.from({ length: 15 }, async () => (await start(`${agent.id} [[hang]]`)).id));
    await until(async () => (await providerCalls(stage, agent.id)).length === 15);
    expect((await user.as(() => replica.runs.list({ id: agent.id, limit: 20 }))).data).toHaveLength(15);
    await Promise.all(ids.map((id) => user.as(() => replica.runs.cancel(id))));
  });
});
