import type { WriteSummary } from '@taai/contracts';
import type { UsageRecordEntity } from '@taai/entities';
import { v7 } from 'uuid';
import { newAgent, providerCalls, startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let replica: Replica;
let user: User;
let agent_id: string;
const conversation_id = v7();

beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
  agent_id = (await newAgent(user, replica, stage)).id;
});
afterAll(() => stage.close());

const write = (content: string, more: Partial<WriteSummary> = {}) =>
  user.as(() =>
    replica.summaries.write({
      agent_id,
      conversation_id,
      user_id: user.user_id,
      previous: null,
      messages: [{ role: 'user', content }],
      ...more,
    }),
  );

async function ledger(): Promise<UsageRecordEntity[]> {
  const sql = 'select to_jsonb(u) as row from usage_records u where tenant_id = $1 order by call_id';
  return (await stage.admin.query<{ row: UsageRecordEntity }>(sql, [user.tenant_id])).rows.map(({ row }) => row);
}

it('is written by the model of the agent, and stands in the ledger as a call for the conversation', async () => {
  const mark = v7();
  const { content } = await write(`${mark} is the key.`, { previous: 'There is a door.' });
  // The sandbox repeats what it is asked.
  expect(content).toContain(mark);
  expect(await providerCalls(stage, mark)).toMatchObject([
    { messages: [{ role: 'system' }, { role: 'user', content: expect.stringContaining('There is a door.') }] },
  ]);
  const origin = { agent_id, conversation_id, user_id: user.user_id, run_id: null, model: 'sandbox-1' };
  expect(await ledger()).toMatchObject([{ ...origin, kind: 'summary', status: 'closed', error_code: null }]);
});

it('a call that fails is in the ledger, too, and its failure is told', async () => {
  await user.as(() => replica.agents.update({ id: agent_id, model: 'sandbox-1[[fail=401]]' }));
  await expect(write('Hello.')).rejects.toMatchObject({ code: 'provider_auth' });
  expect(await ledger()).toMatchObject([{ kind: 'summary', status: 'closed', error_code: 'auth' }]);
});

it('is not written for an agent that is not there, or not active', async () => {
  await expect(write('Hello.', { agent_id: v7() })).rejects.toMatchObject({ code: 'not_found' });
  await user.as(() => replica.agents.update({ id: agent_id, is_active: false }));
  await expect(write('Hello.')).rejects.toMatchObject({ code: 'agent_not_ready' });
  expect(await ledger()).toEqual([]);
});
