import type { Agent } from '@taai/contracts';
import { runInContext } from '@taai/tenant';
import { v7 } from 'uuid';
import { newAgent, providerCalls, startStage, watch, type Replica, type Stage, type User } from '../replica.testing';
import { RunHandler } from './run.handler';

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
const start = () => user.as(() => replica.starter.start({ id: agent.id, input: `${agent.id} [[tokens=1 delay=0]]` }));

/** As another replica would, whose announcement has not arrived. */
const unheard = (sql: string) => stage.admin.query(sql, [agent.id]);

/** The version of a run, and the system prompt that its provider was given. */
async function runOnce(): Promise<[number, string | undefined]> {
  const run = await start();
  await watch(user, replica, run.id);
  const call = (await providerCalls(stage, agent.id)).at(-1);
  return [run.agent_version, call?.messages[0]?.content];
}

describe('the start of a run', () => {
  it('misses no change of its agent, even one that its replica has not heard of', async () => {
    expect(await runOnce()).toEqual([1, 'Repeat.']);
    await unheard(`update agents set version = version + 1, system_prompt = 'Two.' where id = $1`);
    expect(await runOnce()).toEqual([2, 'Two.']);
    await unheard('update agents set version = version + 1, is_active = false where id = $1');
    await expect(start()).rejects.toEqual(problem('agent_not_ready'));
  });

  it('misses no deletion of its agent', async () => {
    await user.as(() => replica.agentDirectory.byId(agent.id));
    await unheard('delete from agents where id = $1');
    await expect(start()).rejects.toEqual(problem('not_found'));
  });

  it('is refused no longer than its provider is not ready', async () => {
    const set = (is_active: boolean) =>
      `update providers set is_active = ${is_active} where tenant_id = (select tenant_id from agents where id = $1)`;
    await unheard(set(false));
    await expect(start()).rejects.toEqual(problem('agent_not_ready'));
    await unheard(set(true));
    expect(await runOnce()).toEqual([1, 'Repeat.']);
  });

  it('keeps no slot when it is refused', async () => {
    const narrow = await stage.replica({ slots: 1 });
    const startThere = () => user.as(() => narrow.starter.start({ id: agent.id, input: 'Hello [[tokens=1 delay=0]]' }));
    await unheard('update agents set version = version + 1, is_active = false where id = $1');
    await expect(startThere()).rejects.toEqual(problem('agent_not_ready'));
    await unheard('update agents set version = version + 1, is_active = true where id = $1');
    const run = await startThere();
    expect(run).toMatchObject({ status: 'running' });
    expect((await watch(user, narrow, run.id)).at(-1)).toMatchObject({ type: 'run.completed' });
  });

  it('reads its agent and its provider once, as long as nothing changes', async () => {
    expect(await runOnce()).toEqual([1, 'Repeat.']);
    // What no service does: a change without a version, and without telling.
    await unheard(`update agents set system_prompt = 'Unseen.' where id = $1`);
    await unheard(
      `update providers set is_active = false where tenant_id = (select tenant_id from agents where id = $1)`,
    );
    expect(await runOnce()).toEqual([1, 'Repeat.']);
  });
});

describe('a run', () => {
  it('is started once per Idempotency-Key', async () => {
    const mark = v7();
    const caller = { tenant_id: user.tenant_id, user_id: user.user_id, permissions: [], issuer: 'gateway' as const };
    const again = () =>
      runInContext({ request_id: 'r', idempotency_key: mark, caller }, () =>
        new RunHandler(replica.starter, replica.runs).start({ id: agent.id, input: `${mark} [[tokens=2 delay=0]]` }),
      );
    const run = await again();
    expect((await again()).id).toBe(run.id);
    await watch(user, replica, run.id);
    expect(await providerCalls(stage, mark)).toHaveLength(1);
  });

  it('is started once for a conversation, however often it is asked for', async () => {
    const mark = v7();
    const order = {
      agent_id: agent.id,
      run_id: v7(),
      conversation_id: v7(),
      messages: [
        { role: 'assistant' as const, content: 'Hello' },
        { role: 'user' as const, content: `${mark} [[tokens=2 delay=0]]` },
      ],
    };
    const runs = await Promise.all([1, 2, 3].map(() => user.as(() => replica.starter.startFor(order))));
    for (const run of runs) expect(run).toMatchObject({ id: order.run_id, conversation_id: order.conversation_id });
    const events = await watch(user, replica, order.run_id);
    expect(events[0]?.data).toMatchObject({ conversation_id: order.conversation_id });
    expect(await user.as(() => replica.starter.startFor(order))).toMatchObject({ status: 'completed' });
    const calls = await providerCalls(stage, mark);
    expect(calls.map(({ messages }) => messages.map(({ role }) => role))).toEqual([['system', 'assistant', 'user']]);
  });
});
