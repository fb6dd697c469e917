import type { UsageRecordEntity } from '@taai/entities';
import { until } from '@taai/platform-testing';
import { v7 } from 'uuid';
import { newAgent, providerCalls, startStage, type Replica, type Stage, type User } from '../replica.testing';
import type { AuxiliaryQuestion } from './auxiliary-model';

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

const MAX_OUTPUT = 5;

/** Asks the agent's model, and fallbacks, about something. */
const ask = (
  content: string,
  { timeout_ms = 20_000, models = ['sandbox-1'], signal }: Partial<AuxiliaryQuestion> & { models?: string[] } = {},
) =>
  user.as(async () => {
    const candidates = await replica.directory.candidates(models.map((model) => ({ provider_id: null, model })));
    const origin = { agent_id, conversation_id: CONVERSATION, user_id: user.user_id };
    const messages = [{ role: 'user' as const, content }];
    const question = { kind: 'title', candidates, messages, max_output_tokens: MAX_OUTPUT, timeout_ms, origin };
    return replica.auxiliary.ask({ ...question, ...(signal && { signal }) });
  });
const CONVERSATION = v7();

async function ledger(): Promise<UsageRecordEntity[]> {
  const sql = 'select to_jsonb(u) as row from usage_records u where tenant_id = $1 order by call_id';
  return (await stage.admin.query<{ row: UsageRecordEntity }>(sql, [user.tenant_id])).rows.map(({ row }) => row);
}

describe('an auxiliary call', () => {
  it('is answered in few tokens, and stands in the ledger with what it was made for', async () => {
    const { text, usage } = await ask('Name this. [[tokens=50 delay=0]]');
    expect(text).not.toBe('');
    expect(usage).toMatchObject({ output_tokens: MAX_OUTPUT, is_estimated: false });
    const origin = { agent_id, conversation_id: CONVERSATION, user_id: user.user_id, run_id: null };
    const closed = { kind: 'title', status: 'closed', error_code: null, output_tokens: MAX_OUTPUT };
    expect(await ledger()).toMatchObject([{ ...origin, ...closed, model: 'sandbox-1' }]);
  });

  it('is retried, and made to a fallback, each time in the ledger', async () => {
    await ask('Hello. [[delay=0]]', { models: ['sandbox-1[[fail=401]]', 'sandbox-1'] });
    expect(await ledger()).toMatchObject([
      { status: 'closed', error_code: 'auth' },
      { status: 'closed', error_code: null },
    ]);
  });

  it('ends at its deadline, and when it is given up', async () => {
    await expect(ask('Silence [[hang]]', { timeout_ms: 100 })).rejects.toMatchObject({ code: 'timeout' });
    await expect(ask('Silence [[hang]]', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(await ledger()).toMatchObject([{ error_code: 'timeout' }, { error_code: 'aborted' }]);
  });

  it('keeps to the circuit breaker of the provider', async () => {
    const [candidate] = await user.as(() => replica.directory.candidates([{ provider_id: null, model: 'sandbox-1' }]));
    if (!candidate) throw new Error('There is a provider.');
    for (let n = 0; n < 10; n += 1) {
      const permit = await replica.breakers.enter(candidate);
      if (permit.granted) permit.report('unwell');
    }
    await until(async () => (await replica.breakers.state(candidate)).state === 'open');
    const mark = v7();
    await expect(ask(`${mark} [[delay=0]]`)).rejects.toMatchObject({ code: 'overloaded' });
    expect(await providerCalls(stage, mark)).toEqual([]);
    expect(await ledger()).toEqual([]);
  });
});
