import type { Agent } from '@taai/contracts';
import { newAgent, providerCalls, startStage, watch, type Replica, type Stage, type User } from '../replica.testing';

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
