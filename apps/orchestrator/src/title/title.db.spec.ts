import type { UsageRecordEntity } from '@taai/entities';
import { v7 } from 'uuid';
import { newAgent, providerCalls, startStage, type Replica, type Stage, type User } from '../replica.testing';

let stage: Stage;
let replica: Replica;
let user: User;
let agent_id: string;
beforeAll(async () => {
  stage = await startStage();
  replica = await stage.replica();
});
beforeEach(async () => {
  user = await stage.newUser();
  agent_id = (await newAgent(user, replica, stage)).id;
});
afterAll(() => stage.close());

const suggest = (question: string) => {
  const conversation = { agent_id, conversation_id: v7(), user_id: user.user_id };
  return user.as(() => replica.titles.suggest({ ...conversation, question, answer: 'Of course.' }));
};

async function ledger(): Promise<UsageRecordEntity[]> {
  const sql = 'select to_jsonb(u) as row from usage_records u where tenant_id = $1 order by call_id';
  return (await stage.admin.query<{ row: UsageRecordEntity }>(sql, [user.tenant_id])).rows.map(({ row }) => row);
}

describe('titles', () => {
  it("are found by the agent's model in few tokens, which the ledger has", async () => {
    const mark = v7();
    const { title } = await suggest(`${mark} [[tokens=100 delay=0]]`);
    expect(title).toEqual(expect.stringMatching(/^\S.*\S$/));
    const [call] = await providerCalls(stage, mark);
    expect(call?.messages.map(({ role }) => role)).toEqual(['system', 'user']);
    const origin = {
      kind: 'title',
      agent_id,
      user_id: user.user_id,
      run_id: null,
      conversation_id: expect.any(String),
    };
    expect(await ledger()).toMatchObject([{ ...origin, status: 'closed', model: 'sandbox-1', output_tokens: 24 }]);
  });

  it('are found by another model where the agent says so, which must exist', async () => {
    const { provider_id } = await user.as(() => replica.directory.byId({ provider_id: null, model: 'x' }));
    const set = (id: string) =>
      user.as(() =>
        replica.agents.update({ id: agent_id, title_model: { provider_id: id, model: 'sandbox-1[[delay=0]]' } }),
      );
    await expect(set(v7())).rejects.toMatchObject({ code: 'validation_failed' });
    expect(await set(provider_id)).toMatchObject({ title_model: { provider_id } });
    await suggest('Hello');
    expect(await ledger()).toMatchObject([{ model: 'sandbox-1[[delay=0]]' }]);
  });

  it('are what new agents give', async () => {
    expect(await user.as(() => replica.agents.get(agent_id))).toMatchObject({
      automatic_titles: true,
      title_model: null,
    });
  });

  it('are refused with the reason that the model gives', async () => {
    await expect(suggest('Hello [[fail=401]]')).rejects.toMatchObject({ code: 'provider_auth' });
    expect(await ledger()).toMatchObject([{ kind: 'title', status: 'closed', error_code: 'auth' }]);
  });
});
