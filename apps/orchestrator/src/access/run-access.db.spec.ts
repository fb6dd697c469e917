import { rolePermissions } from '@taai/rbac';
import { runAs } from '@taai/tenant';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { audited, newAgent, startStage, type Replica, type Stage, type User } from '../replica.testing';
import type { LoadedTool } from '../tool/loaded-tool';
import { ScriptedCaller, ScriptedTools, type Line } from '../run/execution/scripted-agent.testing';

let stage: Stage;
let user: User;
let replica: Replica;
let agent_id: string;
let [starter, friend, stranger] = ['', '', ''];

beforeAll(async () => {
  stage = await startStage();
});
beforeEach(async () => {
  user = await stage.newUser();
  [starter, friend, stranger] = [await person(), await person(), await person()];
  replica = await replicaWith({ requires_approval: true });
  agent_id = (await newAgent(user, replica, stage)).id;
  await stage.admin.query(`update agents set tools = '{one}' where id = $1`, [agent_id]);
});
afterAll(() => stage.close());

const script: Line[] = [{ text: 'I will.', calls: [['one', { n: 1 }, 'a']] }, { text: 'Done.' }];

/** Its model calls the tool `one`, which has these traits. */
const replicaWith = (traits: Partial<LoadedTool>) =>
  stage.replica({}, [stage.firstKey], {
    caller: new ScriptedCaller(script),
    loader: new ScriptedTools({ one: () => 1 }, { one: traits }),
  });

async function person(): Promise<string> {
  const id = v7();
  const sql = `insert into users (tenant_id, id, email, role) values ($1, $2, $3, 'member')`;
  await stage.admin.query(sql, [user.tenant_id, id, `${id}@example.com`]);
  return id;
}

const as = <T>(user_id: string, work: () => Promise<T>, ...permissions: string[]) => {
  const granted = [...(rolePermissions['member'] ?? []), ...permissions];
  return runAs({ tenant_id: user.tenant_id, user_id, permissions: granted, issuer: 'gateway' }, work);
};

/** `ok`, or the code of the refusal. */
const outcome = (by: string, work: () => Promise<unknown>, ...permissions: string[]) =>
  as(by, work, ...permissions).then(
    () => 'ok',
    ({ code }: { code: string }) => code,
  );

const waits = (id: string) =>
  until(async () => (await user.as(() => replica.runs.get(id))).status === 'waiting_approval');

/** A run of the starter's that waits for an approval, in no conversation. */
async function alone(): Promise<string> {
  const { id } = await as(starter, () => replica.starter.start({ id: agent_id, input: 'Go' }));
  await waits(id);
  return id;
}

/** The same in a conversation of the starter's, in which the friend has a role. */
async function shared(role: 'reader' | 'writer'): Promise<string> {
  const [conversation_id, run_id] = [v7(), v7()];
  const { tenant_id } = user;
  const open = 'insert into conversations (tenant_id, id, agent_id, user_id) values ($1, $2, $3, $4)';
  await stage.admin.query(open, [tenant_id, conversation_id, agent_id, starter]);
  const share =
    'insert into conversation_participants (tenant_id, conversation_id, user_id, role) values ($1, $2, $3, $4)';
  await stage.admin.query(share, [tenant_id, conversation_id, friend, role]);
  const messages = [{ role: 'user' as const, content: 'Go' }];
  await as(starter, () => replica.starter.startFor({ agent_id, conversation_id, run_id, messages }));
  await waits(run_id);
  return run_id;
}

const attempts = (id: string) => ({
  get: () => replica.runs.get(id),
  inspect: () => replica.runs.inspect(id),
  events: () => replica.runs.events(id),
  decide: () => replica.runs.decide({ id, tool_call_id: 'a', decision: 'approve' }),
  cancel: () => replica.runs.cancel(id),
});

async function outcomes(by: string, id: string, ...permissions: string[]) {
  const found: string[] = [];
  for (const attempt of Object.values(attempts(id))) found.push(await outcome(by, attempt, ...permissions));
  return found.join(' ');
}

const listed = async (by: string, ...permissions: string[]) =>
  (await as(by, () => replica.runs.list({ id: agent_id, limit: 20 }), ...permissions)).data.map(({ id }) => id);

/** What was recorded of uses of permissions, but for the admin's, who looks whether runs wait. */
const uses = async () =>
  (await audited(stage, user))
    .filter(({ action, actor_id }) => String(action).startsWith('run.') && actor_id !== user.user_id)
    .map(({ after }) => after);

describe('a run', () => {
  it("is its starter's, and absent for others", async () => {
    const id = await alone();
    expect(await outcomes(stranger, id)).toBe('not_found not_found not_found not_found not_found');
    expect(await outcomes(starter, id)).toBe('ok ok ok ok ok');
    expect(await uses()).toEqual([]);
  });

  it.each([
    ['reader', 'ok ok ok forbidden forbidden'],
    ['writer', 'ok ok ok ok ok'],
  ] as const)('of a conversation is open to its %s', async (role, expected) => {
    const id = await shared(role);
    expect(await outcomes(stranger, id)).toBe('not_found not_found not_found not_found not_found');
    expect(await outcomes(friend, id)).toBe(expected);
  });

  it("of a conversation is no longer its starter's who was taken out", async () => {
    const id = await shared('writer');
    await stage.admin.query('delete from conversation_participants where user_id = $1', [starter]);
    expect(await outcome(starter, () => replica.runs.get(id))).toBe('not_found');
    const { rows } = await stage.admin.query('select kind from access_changes where tenant_id = $1', [user.tenant_id]);
    expect(rows).toEqual([{ kind: 'conversation' }]);
  });

  it.each([
    ['*:read', 'not_found not_found not_found not_found not_found', []],
    ['runs:read_any', 'ok ok ok forbidden forbidden', ['runs:read_any', 'runs:read_any', 'runs:read_any']],
    ['runs:approve_any', 'not_found not_found not_found ok not_found', ['runs:approve_any']],
    ['runs:manage_any', 'not_found not_found not_found not_found ok', ['runs:manage_any']],
  ])('is opened to holders of %s: %s, and each use is recorded', async (held, expected, recorded) => {
    const id = await alone();
    expect(await outcomes(stranger, id, held)).toBe(expected);
    expect(await uses()).toEqual(recorded.map((permission) => ({ permission })));
  });
});

describe('lists', () => {
  it("of runs show what one sees, and everybody's by permission, which is recorded", async () => {
    const [first, second] = [await alone(), await shared('reader')];
    expect([await listed(starter), await listed(friend), await listed(stranger)]).toEqual([
      [second, first],
      [second],
      [],
    ]);
    expect(await listed(friend, 'runs:read_any')).toEqual([second, first]);
    expect(await uses()).toEqual([{ permission: 'runs:read_any', ids: [first] }]);
  });

  it('of what a tool was called for show what one sees', async () => {
    const id = await shared('reader');
    const tool = await user.as(() =>
      replica.tools.create({ name: 'sum', kind: 'builtin', config: { builtin: 'calculator' } }),
    );
    await stage.admin.query('update tool_executions set tool_id = $1 where run_id = $2', [tool.id, id]);
    const calls = async (by: string, ...permissions: string[]) =>
      (await as(by, () => replica.tools.executions({ id: tool.id, limit: 20 }), ...permissions)).data.length;
    expect([await calls(starter), await calls(friend), await calls(stranger)]).toEqual([1, 1, 0]);
    expect(await calls(stranger, 'runs:read_any')).toBe(1);
    expect(await uses()).toEqual([{ permission: 'runs:read_any', ids: [id] }]);
  });
});

describe('where somebody else must approve', () => {
  const refusal = { code: 'forbidden', message: 'Somebody other than who started the run must approve the call.' };
  const decide = (id: string, decision: 'approve' | 'reject') =>
    replica.runs.decide({ id, tool_call_id: 'a', decision });

  it('as an agent says, the starter of a run may not, whatever else they may do', async () => {
    await user.as(() => replica.agents.update({ id: agent_id, separate_approver: true }));
    const id = await shared('writer');
    await expect(as(starter, () => decide(id, 'approve'), '*:*')).rejects.toMatchObject(refusal);
    expect(await as(friend, () => decide(id, 'approve'))).toMatchObject({ id });
  });

  it('as a tool says, its starter may still reject', async () => {
    replica = await replicaWith({ requires_approval: true, separate_approver: true });
    const id = await alone();
    await expect(as(starter, () => decide(id, 'approve'))).rejects.toMatchObject(refusal);
    expect(await as(starter, () => decide(id, 'reject'))).toMatchObject({ id });
  });
});
